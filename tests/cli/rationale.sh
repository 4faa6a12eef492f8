# From an ERASER data set to the comparison of rationales: windows, training, explanations, the table, its predictions
# scored, its numbers verified, and a run that is killed.
. "$PROJECT/tests/small_eraser.sh"
small_eraser 80 12 || exit 1
command -v sqlite3 >/dev/null || { echo 'sqlite3 is not installed' >&2; exit 77; }

echo '-- windows'
"$ADAPLER" windows --model fresh --data er --out w 2>&1
wc -l <w/train.jsonl
grep -c . w/docs.jsonl
head -n 1 w/test.jsonl
grep '"test-0.w' w/docs.jsonl
# Nothing is lost between windows.
words_of() { sed 's/.*"document": *"//; s/"}$//; s/\\n/ /g' "$1" | tr ' ' '\n' | grep -c .; }
[ "$(words_of er/docs.jsonl)" -eq "$(words_of w/docs.jsonl)" ] && echo 'all words are there'

on='--task movies --data w --lr 1e-2 --batch 20 --quiet'
"$ADAPLER" finetune --model fresh $on --epochs 3 --out ft >/dev/null
"$ADAPLER" saliency --model ft --task movies --data w --out sal --quiet
"$ADAPLER" adapt --model fresh --saliency sal $on --gamma 0.1 --phi 0.05 --speed-lr 0.1 --epochs 3 --out adapted >/dev/null

echo '-- explain'
"$ADAPLER" explain --model adapted --dense ft --data er --method cp,saliency --hard human --out preds.jsonl 2>&1
ls preds*
head -n 1 preds.saliency.jsonl | grep -o '"[a-z_]*":' | sort | uniq -c
"$ADAPLER" score --data_dir er --split test --results preds.saliency.jsonl --strict >/dev/null && echo 'strictly fine'
"$ADAPLER" explain --model adapted --data er --method cp --layer 5 --out x.jsonl 2>&1
"$ADAPLER" explain --model adapted --data er --method cpx --out x.jsonl 2>&1
"$ADAPLER" explain --model ft --data er --method cp --out x.jsonl 2>&1
"$ADAPLER" explain --model fresh --data er --method saliency --out x.jsonl 2>&1
ls x.jsonl 2>&1

"$ADAPLER" explain --model adapted --dense ft --data er --method cp --out one.jsonl --db e.db --quiet
"$ADAPLER" explain --model adapted --dense ft --data er --method cp --out two.jsonl --db e.db --quiet
cmp one.jsonl two.jsonl && "$ADAPLER" ls --db e.db --format tsv | cut -f 3-5,7
"$ADAPLER" verify --db e.db 2>&1

echo '-- rationale'
rationale() { "$ADAPLER" rationale --model adapted --dense ft --data er --batch 1 --threads 1 --steps 2 --quiet "$@"; }
rationale --db a.db --predictions p >a.tsv
cut -f 2-4 a.tsv | head -n 12
wc -l <a.tsv
rationale --db a.db --format table | sed -E 's/[0-9.]+ \[[0-9., ]+\]( [+-])?/N [N, N]/g' | head -n 8
ls p | wc -l
# What the table says is what the scorer says.
"$ADAPLER" score --data_dir er --split test --results p/saliency-human-layer-0.jsonl --score_file s.json >/dev/null
f1=$(awk -F '\t' '$2 == "saliency" && $4 == "human" { print $10 }' a.tsv)
grep -A 5 '"token_prf"' s.json | grep -c . >/dev/null
awk -v f1="$f1" '/"token_prf"/ { in_ = 1 } in_ && /"instance_micro"/ { micro = 1 } micro && /"f1"/ {
	split($0, part, /[:,]/); d = part[2] - f1; print (d < 1e-9 && d > -1e-9) ? "the scorer agrees" : "the scorer says " part[2] ", not " f1; exit }' s.json
"$ADAPLER" verify --db a.db 2>&1
# The adapted model keeps what its predictors rank highest.
awk -F '\t' '$4 == "replay" && ($2 == "cp" || $2 == "kept") { print $3, $5, $8, $9 }' a.tsv | sort | uniq -c | awk '{ print $1 }' | sort | uniq -c
rationale --db a.db >again.tsv
cmp a.tsv again.tsv && echo 'nothing is done twice'
sqlite3 a.db "UPDATE attribution SET scores = '[' || replace(substr(scores, 2), '0.', '1.') WHERE run = 1 AND idx = 0 AND layer = 1"
"$ADAPLER" verify --db a.db 2>/dev/null | head -n 3 | cut -f 1,6
"$ADAPLER" verify --db a.db >/dev/null 2>&1
echo "status $?"

echo '-- killed'
count() { sqlite3 k.db 'SELECT count(*) FROM explained' 2>/dev/null || echo 0; }
# A process that is stopped in the middle of a write keeps the database locked, and then that
# is what the other process would tell.
stop_between_writes() {
	tries=0
	kill -STOP "$1"
	until sqlite3 k.db 'BEGIN IMMEDIATE; ROLLBACK' 2>/dev/null || [ $tries -ge 1000 ]; do
		kill -CONT "$1"
		sleep 0.005
		kill -STOP "$1"
		tries=$((tries + 1))
	done
	[ $tries -lt 1000 ] || echo 'never between two writes'
}
for wanted in 9 40 80; do
	"$ADAPLER" rationale --model adapted --dense ft --data er --batch 1 --threads 1 --steps 2 --quiet --db k.db >/dev/null 2>&1 &
	process=$!
	tries=0
	while [ "$(count)" -lt $wanted ] && [ $tries -lt 1500 ]; do
		sleep 0.02
		tries=$((tries + 1))
	done
	stop_between_writes $process
	[ $wanted -ne 9 ] || rationale --db k.db 2>&1 | sed 's/run [0-9]*/run N/'
	kill -9 $process 2>/dev/null
	{ wait $process; } 2>/dev/null
done
rationale --db k.db >k.tsv
cmp k.tsv a.tsv && echo 'as if nothing had happened'
"$ADAPLER" merge m.db k.db --quiet && "$ADAPLER" verify --db m.db 2>&1

echo '-- refused'
sed 's/"end_token": 1,/"end_token": 1000,/' er/test.jsonl >er/cut.jsonl
grep -c 1000 er/cut.jsonl
rationale --db a.db --split cut 2>&1 | sed 's/tokens \[.*past/tokens [..) are past/'
rationale --db a.db --split cut --lenient 2>&1 >/dev/null | tail -n 1
sed 's/POS/MAYBE/' er/test.jsonl >er/label.jsonl
rationale --db a.db --split label 2>&1
sed 's/\[\[.*\]\]/[[]]/; s/}$/, "docids": ["test-0"]}/' er/test.jsonl >er/none.jsonl
rationale --db a.db --split none 2>&1
sed 's/test-3"/gone"/g' er/test.jsonl >er/gone.jsonl
rationale --db a.db --split gone 2>&1
rationale --db a.db --thresholds 1,50 2>&1
head -c 700 er/test.jsonl >er/short.jsonl
rationale --db a.db --split short 2>&1 | sed 's/byte [0-9]*/byte N/'
"$ADAPLER" windows --model fresh --data nowhere --out w2 2>&1
true
