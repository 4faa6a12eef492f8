# Killed at any moment and started again, or on another number of threads, a run ends with the same weights and the same
# curves. One that is asked to stop says how to go on.
. "$PROJECT/tests/small_task.sh"
small_task || exit 1
finetune_at="$ADAPLER finetune --model fresh $on_task --batch 16 --lr"
finetune="$finetune_at 5e-3 --epochs 4"
pretrain="$ADAPLER pretrain --model fresh --text plain.txt --batch-tokens 200 --lr 1e-2 --epochs 4 --held-out 0.1"
often="--checkpoint-minutes 0.000001"

# A curve but for the time that steps took.
curve()
{
	names=$("$ADAPLER" curve --db "$1/run.db" --run 1 | head -n 1 | tr '\t' '\n' | sed '1d; /tokens_per_second/d' | paste -s -d ,)
	"$ADAPLER" curve --db "$1/run.db" --run 1 --name "$names"
}

# state OUT: names the checkpoint that is there.
state() { stat -c %i "$1/state.safetensors" 2>/dev/null; }

# Waits, at most half a minute, for a checkpoint that is not $2.
wait_for_checkpoint()
{
	tries=0
	until [ "$(state "$1")" != "$2" ] || [ $tries -ge 1500 ]; do
		sleep 0.02
		tries=$((tries + 1))
	done
}

# interrupt SIGNAL OUT SECONDS COMMAND...: runs it until that long after the next checkpoint.
interrupt()
{
	signal=$1 out=$2 seconds=$3
	shift 3
	before=$(state "$out")
	"$@" >>"$out.log" 2>&1 &
	process=$!
	wait_for_checkpoint "$out" "$before"
	sleep "$seconds"
	kill -"$signal" $process 2>/dev/null
	{ wait $process; } 2>/dev/null
	status=$?
}

same() { cmp "$1/model.safetensors" "$2/model.safetensors" && cmp "$1.curve" "$2.curve" && echo "$2 equals $1"; }

for kind in finetune pretrain; do
	eval "command=\$$kind"
	$command --out $kind-whole --threads 1 --quiet >/dev/null || exit 1
	curve $kind-whole >$kind-whole.curve
	killed=0
	for seconds in 0 0.03 0.07 0.01; do
		interrupt KILL $kind-killed $seconds $command --out $kind-killed $often --threads 2
		[ $status -eq 137 ] && killed=$((killed + 1))
	done
	[ $killed -ge 2 ] || echo "killed $killed times only"
	$command --out $kind-killed $often --threads 2 --quiet >/dev/null || exit 1
	curve $kind-killed >$kind-killed.curve
	same $kind-whole $kind-killed
	ls -d $kind-whole/* | sed "s/$kind-whole//" >whole.files
	ls -d $kind-killed/* | grep -v tmp$ | sed "s/$kind-killed//" | diff whole.files -
done

# Asked to stop, while another one is refused; with --force too, and nothing of the first is lost.
$finetune --out stopped $often --threads 1 --quiet >stopped.log 2>&1 &
process=$!
wait_for_checkpoint stopped ""
kill -STOP $process
$finetune --out stopped --quiet 2>&1 | sed 's/([a-z 0-9]*)/(process N)/'
$finetune --out stopped --force --quiet 2>&1 | sed 's/([a-z 0-9]*)/(process N)/'
kill -CONT $process
kill -TERM $process
wait $process
echo "status $?"
sed 's/step [0-9]* of/step N of/' stopped.log
$finetune_at 4e-3 --epochs 4 --out stopped --quiet 2>&1 | sed 's/with [0-9a-f]\{8\}/with KEY/g'
$finetune --out stopped 2>&1 | grep -c 'going on after step [0-9]* of 100'
curve stopped >stopped.curve
same finetune-whole stopped

# Other settings are another run, which --force begins, without anything of the one before.
$finetune_at 5e-3 --epochs 2 --out stopped --force 2>&1 | grep -c 'going on'
ls -d stopped/epoch-*
$finetune_at 5e-3 --epochs 2 --out two --quiet >/dev/null
cmp stopped/model.safetensors two/model.safetensors && echo 'as in a folder of its own'
