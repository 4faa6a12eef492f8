# Lines and objects, pairs, cutting, threads, and what goes wrong.
printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' 'un' '##aff' '##able' 'a' 'b' '"' '\' >vocab.txt
tokenize() { "$ADAPLER" tokenize --vocab vocab.txt "$@" || echo "status $?"; }
printf 'Unaffable\n\na\tb [MASK]\n"\\q\n' | tokenize
printf '%s\n' '{"text": "a\n\ta", "text_pair": "b"}' | tokenize --format jsonl
printf 'a a a\tb b\n' >pair
tokenize --max-length 6 pair
printf 'a\377b\n' | tokenize -
tokenize --max-length 2 pair
printf '{"text": "a"}\n{"text_pair": "b"}\n' | tokenize --format jsonl 2>/dev/null
printf '%s\n' '{"text": "a\u0000b"}' | tokenize --format jsonl 2>/dev/null
tokenize absent
tokenize pair pair
"$ADAPLER" tokenize pair
"$ADAPLER" tokenize --vocab pair pair
# More records than a batch holds, on one thread and on three: in order, and the same.
i=0
while [ $i -lt 5000 ]; do
	echo "a un$i b"
	i=$((i + 1))
done >many
tokenize --threads 1 many >one
tokenize --threads 3 many | cmp - one && wc -l <one
