# A .bin of torch becomes a model directory, once; what is not plain weights is refused and leaves nothing.
mkdir bin
cp "$PROJECT/tests/golden/torch/bert.bin" bin/pytorch_model.bin
cat >bin/config.json <<END
{"model_type": "bert", "vocab_size": 6, "hidden_size": 2, "num_hidden_layers": 1, "num_attention_heads": 1,
 "intermediate_size": 3, "max_position_embeddings": 4}
END
printf '[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n' >bin/vocab.txt
"$ADAPLER" convert --labels bad,good bin model 2>&1 || exit 1
ls model
"$ADAPLER" inspect model
"$ADAPLER" convert bin model 2>&1
echo "status $?"
"$ADAPLER" convert --dtype bf16 --force --quiet bin model && "$ADAPLER" inspect --json model
mkdir alone
cp "$PROJECT/tests/golden/torch/views-2.bin" alone/views.bin
"$ADAPLER" convert alone/views.bin views 2>&1
cp "$PROJECT/tests/golden/torch/views-2.bin" bin/pytorch_model.bin
"$ADAPLER" convert bin views 2>&1
echo "status $?"
ls views 2>/dev/null
"$ADAPLER" convert bin 2>&1
echo "status $?"
