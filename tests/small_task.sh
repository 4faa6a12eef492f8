# For golden tests of training: a labelled task with a rule that is easy to learn ("good" or "bad" is in every text),
# texts without labels, and a model small enough for the debug build. Sourced with the program in $ADAPLER.
words='the a film plot actor scene story music end light dark slow fast long short red blue green old new'

# texts COUNT SEED: so many rows "text TAB label".
texts()
{
	awk -v n="$1" -v state="$2" -v words="$words" '
	function draw(most) { state = (state * 48271) % 2147483647; return state % most }
	BEGIN {
		k = split(words, w, " ")
		for (i = 0; i < n; i++) {
			length_ = 2 + draw(12); at = draw(length_); label = draw(2); line = ""
			for (j = 0; j < length_; j++)
				line = line (j ? " " : "") (j == at ? (label ? "good" : "bad") : w[1 + draw(k)])
			print line "\t" (label ? "pos" : "neg")
		}
	}'
}

small_task()
{
	{ printf 'text\tlabel\n' && texts "${1:-400}" 1; } >train.tsv
	{ printf 'text\tlabel\n' && texts 40 2; } >dev.tsv
	texts 200 3 | cut -f 1 >plain.txt
	"$ADAPLER" vocab --size 90 --out vocab.txt plain.txt --quiet || return 1
	cat >config.json <<-END
		{"model_type": "bert", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
		 "intermediate_size": 32, "vocab_size": $(wc -l <vocab.txt), "max_position_embeddings": 20,
		 "type_vocab_size": 2, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
		 "attention_probs_dropout_prob": 0.1, "initializer_range": 0.1, "adapler": {"cp_size": 8}}
	END
	"$ADAPLER" init --config config.json --vocab vocab.txt --seed 1 --out fresh --quiet
}

task=file::train=train.tsv,dev=dev.tsv,label=label
on_task="--task $task --data ."
