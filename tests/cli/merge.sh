# Sweeps of several machines make one database, shards of one evaluation its whole run; done again it adds nothing.
. "$PROJECT/tests/small_task.sh"
small_task 60 || exit 1
command -v sqlite3 >/dev/null || { echo 'sqlite3 is not installed' >&2; exit 77; }
"$ADAPLER" finetune --model fresh $on_task --lr 1e-2 --batch 10 --epochs 1 --out ft --db training.db --quiet >/dev/null
cat >spec.json <<-END
	{"task": "$task", "data": ".", "threads": 1, "model": "ft", "batch": [1, 8], "policy": ["none", "attention:keep=0.2|0.5"]}
END
facts()
{
	sqlite3 "$1" "SELECT key, idx, gold, pred, logits, example.tokens, rows, flops FROM run JOIN example ON run = id ORDER BY key, idx;
		SELECT key, idx, trace.tokens FROM run JOIN trace ON run = id ORDER BY key, idx;
		SELECT key, name, value, lo, hi FROM run JOIN metric ON run = id WHERE name NOT LIKE '%second%' AND name <> 'time_speedup'
			ORDER BY key, name"
}
merge() { "$ADAPLER" merge "$@" 2>&1; echo "status $?"; }

"$ADAPLER" sweep spec.json --db whole.db --quiet >/dev/null
for part in 1 2; do "$ADAPLER" sweep spec.json --db part-$part.db --shard $part/2 --quiet >/dev/null; done
merge all.db part-1.db part-2.db
merge all.db part-1.db part-2.db
facts whole.db >whole.facts
facts all.db | cmp - whole.facts && echo 'the facts are the same'
merge all.db training.db
"$ADAPLER" curve --db all.db --run "$("$ADAPLER" ls --db all.db --kind finetune | tail -n 1 | cut -f 1)" | wc -l

echo '-- shards of one evaluation'
on="--model ft $on_task --policy attention:keep=0.5 --runs 0 --threads 1 --batch 4 --quiet"
"$ADAPLER" eval $on --db one.db >/dev/null
for part in 1 2 3; do "$ADAPLER" eval $on --db shard-$part.db --shard $part/3 >/dev/null; done
merge joined.db shard-3.db shard-1.db
merge joined.db shard-2.db
merge joined.db shard-2.db
facts one.db >one.facts
sqlite3 joined.db "DELETE FROM run WHERE json_extract(args, '\$.shard') IS NOT NULL"
sqlite3 joined.db 'PRAGMA foreign_keys = ON; DELETE FROM example WHERE run NOT IN (SELECT id FROM run);
	DELETE FROM trace WHERE run NOT IN (SELECT id FROM run); DELETE FROM metric WHERE run NOT IN (SELECT id FROM run)'
facts joined.db | cmp - one.facts && echo 'the facts are the same'
"$ADAPLER" verify --db joined.db 2>&1 | sed 's/metrics: [0-9]*/metrics: N/'

echo '-- refused'
cp part-1.db other.db
sqlite3 other.db "UPDATE example SET pred = 1 - pred WHERE run = 1 AND idx = 3"
merge all.db other.db | sed 's/key, [0-9a-f]*/key, X/; s/run [0-9]* of/run N of/g'
merge all.db all.db
merge all.db
merge all.db nowhere.db
echo text that is long enough to be no header of a database >text.db
merge all.db text.db
cp part-1.db newer.db
sqlite3 newer.db 'PRAGMA user_version = 99'
merge all.db newer.db
facts all.db | cmp - whole.facts && echo 'all.db is as it was'
