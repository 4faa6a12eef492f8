# For golden tests of rationales: an ERASER data set with a rule that is easy to learn (the word "good" or "bad" is the
# evidence), longer than the model, and a model small enough for the debug build. Sourced with the program in $ADAPLER.
. "$PROJECT/tests/small_task.sh"

# documents SPLIT COUNT SEED: adds to er/docs.jsonl, writes er/SPLIT.jsonl.
documents()
{
	awk -v split_="$1" -v n="$2" -v state="$3" -v words="$words" '
	function draw(most) { state = (state * 48271) % 2147483647; return state % most }
	BEGIN {
		k = split(words, w, " ")
		for (i = 0; i < n; i++) {
			label = draw(2); text = evidence = ""; t = 0
			for (s = 0; s < 3; s++) {
				length_ = 5 + draw(8); at = draw(length_)
				for (j = 0; j < length_; j++) {
					text = text (j ? " " : s ? "\\n" : "") (j == at ? (label ? "good" : "bad") : w[1 + draw(k)])
					if (j == at)
						evidence = evidence (s ? ", " : "") sprintf("{\"docid\": \"%s-%d\", \"start_token\": %d, \"end_token\": %d, \"text\": \"%s\"}", split_, i, t, t + 1, label ? "good" : "bad")
					t++
				}
			}
			printf "{\"docid\": \"%s-%d\", \"document\": \"%s\"}\n", split_, i, text >> "er/docs.jsonl"
			printf "{\"annotation_id\": \"%s-%d\", \"query\": \"q\", \"classification\": \"%s\", \"evidences\": [[%s]]}\n", split_, i, label ? "POS" : "NEG", evidence
		}
	}' >"er/$1.jsonl"
}

# small_eraser TRAIN TEST: so many documents in each split.
small_eraser()
{
	small_task 20 || return 1
	mkdir -p er
	documents train "$1" 11
	documents val 30 12
	documents test "$2" 13
}
