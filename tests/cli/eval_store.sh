# An evaluation is run once; a full disk and a locked or read-only database are errors that leave what is there whole.
. "$PROJECT/tests/small_task.sh"
small_task 60 || exit 1
command -v sqlite3 >/dev/null || { echo 'sqlite3 is not installed' >&2; exit 77; }
"$ADAPLER" finetune --model fresh $on_task --lr 1e-2 --batch 10 --epochs 1 --out ft --quiet >/dev/null
on="--model ft $on_task --threads 1 --runs 0"
number() { grep -o '"run":[0-9]*'; }

"$ADAPLER" eval $on --db runs.db --quiet | number
"$ADAPLER" eval $on --db runs.db 2>&1 | grep -e number -e 'nothing to do' -e '"run"' | sed 's/,.*//'
"$ADAPLER" eval $on --db runs.db --batch 7 --quiet | number
"$ADAPLER" eval $on --db runs.db --policy random:replay --counts attention:keep=0.5 --token-scores --quiet | number
sqlite3 runs.db 'SELECT count(*), sum(died_at), count(score) FROM token WHERE run = 3;
	SELECT (SELECT sum(tokens) FROM example WHERE run = 3), (SELECT sum(rows) FROM length WHERE run = 3 AND layer = 1)'

echo '-- without labels'
cut -f 1 dev.tsv >test.tsv
"$ADAPLER" eval --model ft --task file::test=test.tsv,labels='neg|pos' --data . --split test --threads 1 --runs 0 --db runs.db --quiet |
	grep -o '"run":[0-9]*\|"score":[a-z]*\|"loss":[a-z]*'
"$ADAPLER" eval $on --submission x.tsv 2>&1 | tail -n 1
mkdir -p glue/SST-2
{ printf 'index\tsentence\n' && cut -f 1 test.tsv | tail -n +2 | nl -v 0 -w 1; } >glue/SST-2/test.tsv
cp glue/SST-2/test.tsv glue/SST-2/train.tsv
sed -i 's/"neg"/"negative"/; s/"pos"/"positive"/' ft/config.json
"$ADAPLER" eval --model ft --task sst2 --data glue --split test --threads 1 --runs 0 --submission . --quiet >/dev/null
head -n 1 SST-2.tsv
wc -l <SST-2.tsv
cut -f 2 SST-2.tsv | tail -n +2 | grep -vc '^[01]$'
"$ADAPLER" eval --model ft --task sst2 --data glue --split test --limit 5 --submission . 2>&1 | tail -n 1

echo '-- refused'
# The limit is in blocks of 512 bytes or of 1024.
(ulimit -f 8 && trap '' XFSZ && "$ADAPLER" eval $on --db full.db --quiet 2>&1 >/dev/null | sed "s/'full.db': .*/'full.db': .../")
"$ADAPLER" ls --db full.db 2>/dev/null | tail -n +2
"$ADAPLER" eval $on --db full.db --quiet | number
"$ADAPLER" verify --db full.db --quiet | wc -l
head -c 300 runs.db >cut.db
"$ADAPLER" eval $on --db cut.db --quiet 2>&1
"$ADAPLER" eval $on --db nowhere/x.db --quiet 2>&1
sqlite3 runs.db 'SELECT count(*) FROM run; PRAGMA integrity_check' | paste -s
