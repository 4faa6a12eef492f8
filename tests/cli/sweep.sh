# A sweep's cells are all combinations; each is done once, a cell that cannot be is reported and the others are done.
. "$PROJECT/tests/small_task.sh"
small_task 60 || exit 1
for seed in 1 2; do
	"$ADAPLER" finetune --model fresh $on_task --lr 1e-2 --batch 10 --epochs 1 --seed $seed --out runs-$seed --quiet >/dev/null
done
cat >spec.json <<-END
	{"task": "$task", "data": ".", "threads": 1, "runs": 0, "batch": [1, 8], "grids": [
	  {"model": "runs-{seed}", "seed": [1, 2], "policy": "none"},
	  {"model": "runs-1", "policy": ["attention:keep=0.4:0.8:0.2", "random:replay"], "counts": "attention:keep=0.4"},
	  {"model": "runs-3", "batch": 8}]}
END
sweep() { "$ADAPLER" sweep spec.json "$@" --quiet 2>errors; echo "status $?"; cat errors; }

# Without the key, which is this build's.
sweep --db runs.db --dry-run | cut -f 1,2,4-
ls runs.db 2>/dev/null
echo '-- done'
sweep --db runs.db | cut -f 1,2,6,8-10,14
echo '-- again'
sweep --db runs.db | cut -f 1 | sort | uniq -c
"$ADAPLER" ls --db runs.db | cut -f 1,6-12
echo '-- a part'
sweep --db part.db --shard 2/3 --json | sed 's/"key":"[^"]*",//'

echo '-- refused'
"$ADAPLER" sweep 2>&1
"$ADAPLER" sweep spec.json 2>&1
"$ADAPLER" sweep nowhere.json --db x.db 2>&1
"$ADAPLER" sweep spec.json --db x.db --shard 4/3 2>&1
"$ADAPLER" sweep spec.json --db nowhere/x.db 2>&1
echo text that is long enough to be no header of a database >text.db
"$ADAPLER" sweep spec.json --db text.db 2>&1
ls | grep x.db || true
