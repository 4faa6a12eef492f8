"""Makes the .bin files of this folder; needs torch (1.6 or newer). Values follow formulas that the tests repeat.

views-N.bin   pickle protocol N: whole, strided, offset, shared, narrow and integer tensors
bert.bin      a whole BERT of 1 layer, hidden size 2, one value per place: (31 t + 7 i) % 64 / 32 - 1 for element i of
              the t-th tensor in the order of the file
"""
import collections
import pathlib

import torch

here = pathlib.Path(__file__).parent


def views():
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    return collections.OrderedDict(
        whole=base,
        turned=base.t(),
        part=base[1:3, ::2],
        same=base,
        scalar=torch.tensor(2.5),
        empty=torch.zeros(0, 3),
        half=torch.tensor([1.5, -2, 65504], dtype=torch.float16),
        brain=torch.tensor([1.5, -2, 3], dtype=torch.bfloat16),
        double=torch.tensor([0.1, -1e300], dtype=torch.float64),
        ids=torch.tensor([7, -7]),
        parameter=torch.nn.Parameter(torch.tensor([4.0])),
    )


def bert():
    shapes = [("embeddings.word_embeddings.weight", (6, 2)), ("embeddings.position_embeddings.weight", (4, 2)),
              ("embeddings.token_type_embeddings.weight", (2, 2)), ("embeddings.LayerNorm.weight", (2,)),
              ("embeddings.LayerNorm.bias", (2,))]
    for part, rows, columns in [("attention.self.query", 2, 2), ("attention.self.key", 2, 2),
                                ("attention.self.value", 2, 2), ("attention.output.dense", 2, 2),
                                ("attention.output.LayerNorm", 2, 0), ("intermediate.dense", 3, 2),
                                ("output.dense", 2, 3), ("output.LayerNorm", 2, 0)]:
        shapes.append((f"encoder.layer.0.{part}.weight", (rows, columns) if columns else (rows,)))
        shapes.append((f"encoder.layer.0.{part}.bias", (rows,)))
    shapes += [("pooler.dense.weight", (2, 2)), ("pooler.dense.bias", (2,))]
    shapes = [("bert." + name, shape) for name, shape in shapes]
    shapes += [("classifier.weight", (2, 2)), ("classifier.bias", (2,))]
    state = collections.OrderedDict()
    for t, (name, shape) in enumerate(shapes):
        count = torch.Size(shape).numel()
        values = [(31 * t + 7 * i) % 64 / 32 - 1 for i in range(count)]
        state[name] = torch.tensor(values, dtype=torch.float32).reshape(shape)
    state["bert.embeddings.position_ids"] = torch.arange(4)[None]
    return state


for protocol in (2, 4):
    torch.save(views(), here / f"views-{protocol}.bin", pickle_protocol=protocol)
torch.save(bert(), here / "bert.bin")
