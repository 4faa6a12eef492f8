#!/usr/bin/python3
"""The measured peer of scripts/bench_training.sh: a plain PyTorch BERT classifier's training steps.

bench_training.py SHAPE THREADS BATCH LENGTH|FILE RUNS [foreach]

LENGTH: a step on equal lengths. FILE: a length a line, cut into batches in that order, each padded to its longest, with
a mask. Prints the median milliseconds of a run (a step, or the whole file once) after one run to warm up."""
import math
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

SHAPES = {"base": (12, 768, 12, 3072), "minilm": (6, 384, 12, 1536), "small": (4, 256, 4, 1024)}
VOCABULARY, POSITIONS, DROPOUT = 30522, 512, 0.1


class Layer(nn.Module):
    def __init__(self, H, A, FF):
        super().__init__()
        self.A, self.D = A, H // A
        self.q, self.k, self.v, self.out = (nn.Linear(H, H) for _ in range(4))
        self.up, self.down = nn.Linear(H, FF), nn.Linear(FF, H)
        self.norm1, self.norm2 = nn.LayerNorm(H, 1e-12), nn.LayerNorm(H, 1e-12)
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, x, mask):
        B, S, H = x.shape
        q, k, v = (f(x).view(B, S, self.A, self.D).transpose(1, 2) for f in (self.q, self.k, self.v))
        scores = q.matmul(k.transpose(-1, -2)) * (1 / math.sqrt(self.D))
        if mask is not None:
            scores = scores + mask
        context = self.drop(torch.softmax(scores, -1)).matmul(v).transpose(1, 2).reshape(B, S, H)
        x = self.norm1(x + self.drop(self.out(context)))
        return self.norm2(x + self.drop(self.down(F.gelu(self.up(x)))))


class Classifier(nn.Module):
    def __init__(self, L, H, A, FF):
        super().__init__()
        self.words, self.positions, self.types = (nn.Embedding(n, H) for n in (VOCABULARY, POSITIONS, 2))
        self.norm, self.drop = nn.LayerNorm(H, 1e-12), nn.Dropout(DROPOUT)
        self.layers = nn.ModuleList(Layer(H, A, FF) for _ in range(L))
        self.pooler, self.classifier = nn.Linear(H, H), nn.Linear(H, 2)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, 0, 0.02)

    def forward(self, ids, mask):
        x = self.words(ids) + self.positions(torch.arange(ids.shape[1])) + self.types(torch.zeros_like(ids))
        x = self.drop(self.norm(x))
        for layer in self.layers:
            x = layer(x, mask)
        return self.classifier(self.drop(torch.tanh(self.pooler(x[:, 0]))))


def make_batches(batch, lengths):
    out = []
    for first in range(0, len(lengths), batch):
        part = torch.tensor(lengths[first:first + batch])
        longest = int(part.max())
        ids = torch.randint(1000, 29000, (len(part), longest))
        alive = torch.arange(longest)[None] < part[:, None]
        mask = None if bool(alive.all()) else (~alive).float()[:, None, None] * -1e9
        out.append((ids, mask, torch.randint(0, 2, (len(part),))))
    return out


def main():
    shape, threads, batch, lengths, runs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = Classifier(*SHAPES[shape]).train()
    optimiser = torch.optim.AdamW(model.parameters(), 2e-5, foreach="foreach" in sys.argv[6:])
    batches = make_batches(batch, [int(lengths)] * batch if lengths.isdigit() else [int(n) for n in open(lengths)])
    times = []
    for _ in range(runs + 1):
        begin = time.perf_counter()
        for ids, mask, labels in batches:
            optimiser.zero_grad(set_to_none=True)
            F.cross_entropy(model(ids, mask), labels).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
        times.append((time.perf_counter() - begin) * 1e3)
    print(f"{statistics.median(times[1:]):.3f}")


main()
