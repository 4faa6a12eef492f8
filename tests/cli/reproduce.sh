# What `make reproduce` begins with: the default data, its table of settings, and what it refuses. It trains nothing.
make=$PROJECT/build/make_reviews
(cd "$PROJECT" && make --no-print-directory build/make_reviews >/dev/null) || exit 1

echo '-- the same bytes'
"$make" one && "$make" --seed 1 two && diff -r one two && echo same
"$make" --seed 2 other && cmp -s one/reviews/test.tsv other/reviews/test.tsv || echo 'another seed, other texts'
ls one/*
"$make" 2>&1
"$make" nowhere/at/all 2>&1

echo '-- what is in it'
for table in one/*/*.tsv; do
	awk -F '\t' 'NR > 1 { n[$2]++; seen += known[$1]++ > 0 } END { print FILENAME ": " n["NEG"] " NEG, " n["POS"] " POS, " seen " twice" }' "$table"
done
# How much of test is in train.
for folder in reviews phrases; do
	cut -f 1 one/$folder/train.tsv >train.txt
	sed 1d one/$folder/test.tsv | cut -f 1 | grep -cxFf train.txt
done
# All words are in the vocabulary of the model that it is for.
sed 1d one/reviews/train.tsv | cut -f 1 | tr ' ' '\n' | sort -u | grep -vxFf "$PROJECT/data/models/adapler-mini/vocab.txt"
# The tables and ERASER's files are the same words, of which people marked a fair share.
sed 1d one/reviews/test.tsv | cut -f 1 >table.txt
grep '"test-' one/reviews/docs.jsonl | sed 's/.*"document": "//; s/"}$//; s/\\n/ /g' | cmp - table.txt && echo 'one text, two layouts'
awk '{ while (match($0, /"start_token": [0-9]+, "end_token": [0-9]+/)) {
	split(substr($0, RSTART, RLENGTH), part, /[:,]/); marked += part[4] - part[2]; $0 = substr($0, RSTART + RLENGTH) } }
	END { print marked }' one/reviews/test.jsonl >marked
awk -v marked="$(cat marked)" '{ n += NF } END { print (marked > 0.1 * n && marked < 0.3 * n) ? "a tenth to three are marked" : marked / n }' table.txt
"$ADAPLER" windows --model "$PROJECT/data/models/adapler-mini" --data one/reviews --max-length 160 --out w --quiet && ls w

echo '-- counting words is not enough'
for task in 'reviews text' 'phrases sentence'; do
	set -- $task
	"$ADAPLER" baseline --task "file::train=$1/train.tsv,dev=$1/dev.tsv,test=$1/test.tsv,text=$2,label=label,labels=NEG|POS" \
		--data one --split test --quiet | awk -F '\t' -v of="$1" '{ split($4, part, " ")
			if ($3 == "majority") print of, $3, part[2]; else print of, $3, (part[2] > 0.6 && part[2] < 0.8 ? "between 0.6 and 0.8" : part[2]) }'
done

echo '-- settings'
awk -F '\t' 'NF != 18 || $1 !~ /^(size|small|base)$/ { print FILENAME ":" FNR ": " $0 }' "$PROJECT/scripts/settings.tsv"
cut -f 1,2 "$PROJECT/scripts/settings.tsv" | sort | uniq -d

echo '-- refused'
reproduce() { env WORK="$PWD/work" REPORT="$PWD/report" "$@" "$PROJECT/scripts/reproduce.sh" 2>&1; echo "status $?"; }
reproduce DATA=nowhere
reproduce TASKS='reviews sst3'
reproduce MODEL=nowhere
reproduce SEEDS='1 two'
mkdir empty
reproduce DATA="$PWD/empty" TASKS=sst2 | sed 's/^ *[0-9]* s  //' | tail -n 2 | sed "s|$PWD/||"
[ -e report ] || echo 'no report'
