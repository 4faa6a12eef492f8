# A sweep that is killed at any moment, on one or several processes, ends with the runs and facts of one that was not; no
# cell is done twice, and no worker outlives its parent for long.
. "$PROJECT/tests/small_task.sh"
small_task 60 || exit 1
command -v sqlite3 >/dev/null || { echo 'sqlite3 is not installed' >&2; exit 77; }
"$ADAPLER" finetune --model fresh $on_task --lr 1e-2 --batch 10 --epochs 1 --out ft --quiet >/dev/null
cat >spec.json <<-END
	{"task": "$task", "data": ".", "threads": 1, "runs": 2, "model": "ft", "batch": [1, 2, 4, 8],
	 "policy": ["none", "attention:keep=0.2:0.8:0.1", "random:keep=0.5"]}
END
cells=36
sweep="$ADAPLER sweep spec.json --quiet"

# What a database says, but for times and the order in which it came to it.
facts()
{
	sqlite3 "$1" "SELECT key, idx, gold, pred, logits, example.tokens, rows, flops FROM run JOIN example ON run = id ORDER BY key, idx;
		SELECT key, idx, trace.tokens FROM run JOIN trace ON run = id ORDER BY key, idx;
		SELECT key, name, value, lo, hi FROM run JOIN metric ON run = id WHERE name NOT LIKE '%second%' AND name <> 'time_speedup'
			ORDER BY key, name"
}

count() { sqlite3 "$1" 'SELECT count(*) FROM run' 2>/dev/null || echo 0; }

# kill_after SIGNAL RUNS COMMAND...: when so many runs more are there.
kill_after()
{
	signal=$1 wanted=$(($(count killed.db) + $2)) tries=0
	shift 2
	"$@" >/dev/null 2>>log &
	process=$!
	while [ "$(count killed.db)" -lt $wanted ] && [ $tries -lt 1500 ]; do
		sleep 0.02
		tries=$((tries + 1))
	done
	kill -"$signal" $process 2>/dev/null
	{ wait $process; } 2>/dev/null
	status=$?
}

$sweep --db whole.db >/dev/null || exit 1
facts whole.db >whole.facts

kill_after KILL 3 $sweep --db killed.db
[ $status -eq 137 ] || echo "not killed: $status"
kill_after KILL 2 $sweep --db killed.db --jobs 2
[ $status -eq 137 ] || echo "not killed: $status"
# Its workers end with it.
tries=0
while cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ' | grep -q -e '--db killed[.]db --jobs 2' && [ $tries -lt 100 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
[ $tries -lt 100 ] || echo 'workers live on'
sqlite3 killed.db 'PRAGMA integrity_check; SELECT count(*) FROM run WHERE finished IS NULL; SELECT count(*) FROM example WHERE run NOT IN (SELECT id FROM run)'

kill_after INT 2 $sweep --db killed.db
echo "interrupted: $status"
grep -c 'cells are done, and stay so; the same command goes on$' log

# Two at once, of which one dies.
$sweep --db killed.db >/dev/null 2>>log &
other=$!
kill_after KILL 2 $sweep --db killed.db
wait $other
echo "the other ended with $?"
$sweep --db killed.db | cut -f 1 | sort | uniq -c
[ "$(count killed.db)" -eq $cells ] || echo "$(count killed.db) runs of $cells"
facts killed.db | cmp - whole.facts && echo 'the facts are the same'
"$ADAPLER" verify --db killed.db 2>&1 | sed 's/metrics: [0-9]*/metrics: N/'
