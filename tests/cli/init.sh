# A model is made from a config and a vocabulary that fits it; the same seed makes the same file.
cat >config.json <<END
{"model_type": "distilbert", "vocab_size": 6, "dim": 4, "n_layers": 2, "n_heads": 2, "hidden_dim": 8,
 "max_position_embeddings": 8, "num_labels": 3, "adapler": {"cp_size": 2}}
END
printf '[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n' >vocab.txt
"$ADAPLER" init --config config.json --vocab vocab.txt --seed 5 --out a 2>&1 || exit 1
"$ADAPLER" init --config config.json --vocab vocab.txt --seed 5 --out b --quiet
"$ADAPLER" init --config config.json --vocab vocab.txt --seed 6 --out c --quiet
cmp a/model.safetensors b/model.safetensors && echo same
cmp -s a/model.safetensors c/model.safetensors || echo different
"$ADAPLER" inspect a | grep -v sha256
"$ADAPLER" init --config config.json --vocab vocab.txt --out a 2>&1
echo "status $?"
echo c >>vocab.txt
"$ADAPLER" init --config config.json --vocab vocab.txt --out d 2>&1
echo "status $?"
ls d 2>/dev/null
"$ADAPLER" init --config config.json 2>&1
echo "status $?"
