#!/bin/sh
# From nothing to a report; `make reproduce` runs it. In the environment, or after `make reproduce`:
#
#   DATA=DIR         real data sets, each in its own layout; without it the default data are made (build/make_reviews)
#   TASKS="A B"      rows of scripts/settings.tsv (every one that DATA has, or reviews and phrases)
#   MODEL=DIR        what training begins with (data/models/adapler-mini); its size chooses the rows
#   SEEDS="1 2"      of the trainings (1)
#   WORK=DIR         models, results.db, sweep.json, logs (runs)        REPORT=DIR   (report)
#   CORES=N          (all)                              SETTINGS=FILE  (scripts/settings.tsv)
#
# Folders are relative to the project's. Whenever it is stopped or killed, the same command goes on.
set -eu
cd "$(dirname "$0")/.."

adapler=${ADAPLER:-build/adapler}
model=${MODEL:-data/models/adapler-mini}
work=${WORK:-runs}
report=${REPORT:-report}
seeds=${SEEDS:-1}
cores=${CORES:-$(nproc)}
data=${DATA:-$work/data}
start=${START:-$(date +%s)}
table=${SETTINGS:-scripts/settings.tsv}
tab=$(printf '\t')

say() { printf '%4d s  %s\n' $(($(date +%s) - start)) "$*"; }
die()
{
	code=$1
	shift
	echo "reproduce: $*" >&2
	exit "$code"
}

published_tasks() { awk -F '\t' -v size="$size" '$1 == size && $2 !~ /^(reviews|phrases)$/ { print $2 }' "$table"; }
all_tasks() { sed 1d "$table" | cut -f 2 | sort -u | paste -s -d ' ' -; }

# settings TASK: its row as variables.
settings()
{
	row=$(awk -F '\t' -v size="$size" -v task="$1" '$1 == size && $2 == task' "$table")
	[ -n "$row" ] || die 2 "no row for task '$1' and a model of size '$size' in $table"
	# shellcheck disable=SC2034
	IFS=$tab read -r size task length limit batch epochs lr gamma phis adapt_lr speed_lr adapt_epochs split eval_limit \
		windows eraser rationale_options source <<-END
		$row
	END
	phis=$(echo "$phis" | tr , ' ')
	[ ! -s "$work/baselines/$task.split" ] || split=$(cat "$work/baselines/$task.split")
	fast=${phis##* }
	where=$data
	[ "$windows" = - ] || where=$work/$task-windows
	case $task in
	reviews) spec=$(file_task text) ;;
	phrases) spec=$(file_task sentence) ;;
	*) spec=$task ;;
	esac
}

file_task() { echo "file::train=$task/train.tsv,dev=$task/dev.tsv,test=$task/test.tsv,text=$1,label=label,labels=NEG|POS"; }

check_request()
{
	[ -z "${DATA-}" ] || [ -d "$DATA" ] || die 1 "no folder '$DATA' for DATA="
	[ -f "$model/config.json" ] || die 1 "no model in '$model': it has no config.json"
	for task in ${TASKS-}; do
		cut -f 2 "$table" | grep -qx -- "$task" || die 2 "unknown task '$task'; $table has: $(all_tasks)"
	done
	for seed in $seeds; do
		case $seed in *[!0-9]*) die 2 "a seed is a whole number, not '$seed'" ;; esac
	done
}

# What runs in WORK holds its lock, so that what a killed run left at work is waited for rather than fought with.
lock()
{
	mkdir -p "$work"
	exec 9>"$work/lock"
	flock -n 9 && return
	say "an earlier run is still at work in '$work': waiting for it to end"
	flock 9
}

build()
{
	scripts/deps.sh || { scripts/deps.sh --check && command -v gnuplot >/dev/null; } || die 1 'packages are missing'
	[ -n "${ADAPLER-}" ] || make --no-print-directory -j"$cores" build/adapler >"$work/build.log" 2>&1 || {
		tail -n 20 "$work/build.log" >&2
		die 1 "the program could not be built; $work/build.log has all"
	}
	make --no-print-directory build/make_reviews >/dev/null
	say 'built'
}

choose_size()
{
	hidden=$("$adapler" inspect --json "$model" | sed -n 's/.*"hidden_size":\([0-9]*\).*/\1/p')
	[ -n "$hidden" ] || die 1 "'$model' is no model that can be trained"
	size=small
	[ "$hidden" -lt 768 ] || size=base
}

# Only data that differ take the place of what is there: trainings on them would have to begin again.
make_data()
{
	rm -rf "$work/data.new"
	build/make_reviews "$work/data.new"
	diff -rq "$work/data.new" "$work/data" >/dev/null 2>&1 || {
		rm -rf "$work/data" "$work/baselines"
		mv "$work/data.new" "$work/data"
	}
	rm -rf "$work/data.new"
	say "data in $work/data"
}

# cut_windows: long documents of the row's ERASER data as windows to train on.
cut_windows()
{
	[ "$windows" = yes ] && [ ! -d "$where" ] || return 0
	rm -rf "$where.new"
	"$adapler" windows --model "$model" --data "$data/$eraser" --lenient --max-length "$length" --out "$where.new" --quiet \
		2>"$work/baselines/error" && mv "$where.new" "$where"
}

# baseline: what a model must beat, into `out`.
baseline()
{
	"$adapler" baseline --task "$spec" --data "$where" --split "$split" --quiet >"$out.new" 2>"$work/baselines/error" && mv "$out.new" "$out"
}

# As GLUE publishes them, test splits have no labels: dev stands in.
baseline_of_dev()
{
	[ "$split" = test ] && grep -q '^adapler: no labels' "$work/baselines/error" || return 1
	split=dev
	echo dev >"$work/baselines/$task.split"
	baseline || { rm "$work/baselines/$task.split"; return 1; }
}

# Being first this also finds data that are not there, before anything long.
judge_baselines()
{
	mkdir -p "$work/baselines"
	have=
	for name in $tasks; do
		settings "$name"
		out=$work/baselines/$task.tsv
		if [ -s "$out" ] || { cut_windows && { baseline || baseline_of_dev; }; }; then
			have="$have $task"
			say "$task, $split: $(awk -F '\t' '{ printf "%s%s %s", (NR > 1 ? ", " : ""), $3, $4 }' "$out")"
		elif [ -n "${TASKS-}" ] || [ -z "${DATA-}" ]; then
			die 1 "task '$task': $(tail -n 1 "$work/baselines/error")"
		else
			say "$task is left out: $(tail -n 1 "$work/baselines/error")"
		fi
	done
	tasks=$have
	[ -n "$tasks" ] || die 1 "no data of any task in '$data'"
}

# train TASK SEED: a process of its own (xargs starts it below).
train()
{
	settings "$1"
	out=$work/$task-$2
	mkdir -p "$out"
	rm -f "$out/done"
	[ "$limit" != - ] || limit=
	{
		ADAPLER=$adapler MODEL=$model LENGTH=$length LIMIT=$limit BATCH=$batch EPOCHS=$epochs LR=$lr PHIS=$phis GAMMA=$gamma \
			ADAPT_LR=$adapt_lr SPEED_LR=$speed_lr ADAPT_EPOCHS=$adapt_epochs SEED=$2 JOBS=$TRAIN_JOBS THREADS=$TRAIN_THREADS \
			scripts/train_task.sh "$spec" "$where" "$out" 2>&1 && : >"$out/done"
	} | tee -a "$out/train.log" | grep --line-buffered -E '^(finetune|adapt): |^wrote the saliency' | while read -r line; do
		say "$task-$2: $line"
	done || true
	[ -e "$out/done" ] || die 1 "training of $out stopped: $(tail -n 1 "$out/train.log")"
}

# Small models: as many tasks at a time as there are cores, the last of them with a core for each phi. Large ones want
# all cores and much memory. The table's rows begin with the longest, so that no core waits at the end.
train_all()
{
	count=$(echo $tasks $tasks | wc -w)
	side=$cores TRAIN_JOBS=2 TRAIN_THREADS=$((cores / count > 1 ? cores / count : 1))
	[ "$size" = small ] || side=1 TRAIN_JOBS=1 TRAIN_THREADS=$cores
	export TRAIN_JOBS TRAIN_THREADS
	for seed in $seeds; do
		for name in $tasks; do
			echo "$name $seed"
		done
	done | START=$start SIZE=$size xargs -P "$side" -L 1 scripts/reproduce.sh --train || die 1 'not everything was trained'
	say "trained: $tasks; seeds $seeds"
}

# A list of JSON strings, or of numbers.
strings() { printf '"%s"\n' "$@" | paste -s -d , -; }
numbers() { printf '%s\n' "$@" | paste -s -d , -; }

# The cells of a task: dense, AdapLeR at each phi and with thresholds beside the last one's; attention, and random rows.
grids()
{
	settings "$1"
	[ "$eval_limit" = - ] && some= || some=", \"limit\": $eval_limit"
	# shellcheck disable=SC2086
	on="\"task\": \"$spec\", \"data\": \"$where\", \"max_length\": $length, \"split\": \"$split\"$some, \"seed\": [$(numbers $seeds)]"
	dense="\"model\": \"$work/$task-{seed}/dense\"" adapted="\"model\": \"$work/$task-{seed}/phi-{phi}\""
	cat <<-END
		  {$on, $dense, "policy": "none"},
		  {$on, $adapted, "phi": [$(strings $phis)], "policy": "adapler"},
		  {$on, $adapted, "phi": "$fast", "policy": "adapler:scale=0.75|1.25"},
		  {$on, $dense, "policy": ["attention:keep=0.3|0.5|0.7", "random:replay"], "counts": "adapler", "counts_model": "$work/$task-{seed}/phi-$fast"}
	END
}

# One thread and one cell at a time, for times to trust.
sweep()
{
	{
		printf '{"threads": 1, "batch": [1, 32], "runs": %d, "grids": [\n' "$1"
		for name in $tasks; do
			grids "$name" | sed 's/}$/},/'
		done | sed '$s/,$//'
		echo ']}'
	} >"$work/sweep.json.new"
	mv "$work/sweep.json.new" "$work/sweep.json"
	"$adapler" sweep "$work/sweep.json" --db "$work/results.db" --quiet >"$work/sweep.tsv"
	say "swept $(($(wc -l <"$work/sweep.tsv") - 1)) cells of $work/sweep.json into $work/results.db"
}

compare_rationales()
{
	settings "$1"
	[ "$eraser" != - ] || return 0
	[ "$rationale_options" != - ] || rationale_options=
	out=$work/$task-$2
	# shellcheck disable=SC2086
	"$adapler" rationale --model "$out/phi-$fast" --dense "$out/dense" --data "$data/$eraser" --split test --max-length "$length" \
		$rationale_options --threads "$cores" --db "$work/results.db" --format table --quiet \
		>"$out/rationale.txt.new" 2>"$out/rationale.log" || die 1 "rationales of $task-$2: $(tail -n 1 "$out/rationale.log")"
	mv "$out/rationale.txt.new" "$out/rationale.txt"
	say "rationales of $task-$2 compared, $out/rationale.txt"
}

# Of one task: baselines, cells at batch 32, what pareto says, and false positives as many as the adapted model keeps.
task_numbers()
{
	settings "$1"
	printf '\n%s\n' "$task ($split)"
	awk -F '\t' '{ printf "  %-36s %s\n", $3, $4 }' "$work/baselines/$task.tsv"
	"$adapler" ls --db "$work/results.db" --kind eval --format tsv | awk -F '\t' -v of="$work/$task-" '
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		index($at["model"], of) == 1 && substr($at["model"], length(of) + 1) ~ /^[0-9]+\// && $at["batch"] == 32 {
			printf "  %-36s %s %.4f [%.3f, %.3f]  FLOPs %5.2fx  time %5.2fx\n", substr($at["model"], length(of) + 1) " " $at["policy"],
				$at["metric"], $at["score"], $at["score_lo"], $at["score_hi"], $at["flops_speedup"], $at["time_speedup"]
		}'
	"$adapler" pareto --db "$work/results.db" --task "$spec" --split "$split" --batch 32 --format table | sed -n 's/^largest/  largest/p'
	for seed in $seeds; do
		[ ! -e "$work/$task-$seed/rationale.txt" ] || sed '2,$ { /^false-positive/,$d }; s/^/  /' "$work/$task-$seed/rationale.txt"
	done
}

# In a function, so that the shell has read all of it before it begins.
main()
{
	check_request
	lock
	build
	choose_size
	[ -n "${DATA-}" ] || make_data
	tasks=${TASKS-}
	[ -n "$tasks" ] || [ -n "${DATA-}" ] || tasks='reviews phrases'
	[ -n "$tasks" ] || tasks=$(published_tasks)
	judge_baselines
	train_all
	sweep "${RUNS:-1}"
	for seed in $seeds; do
		for name in $tasks; do
			compare_rationales "$name" "$seed"
		done
		for name in $tasks; do
			"$adapler" merge "$work/results.db" "$work/$name-$seed"/*/run.db --quiet >/dev/null
		done
	done
	"$adapler" verify --db "$work/results.db" --quiet >"$work/verify.tsv" || die 3 "numbers do not follow from their facts, see $work/verify.tsv"
	say 'verified: every number follows from the stored facts'
	"$adapler" report --db "$work/results.db" --out "$report" --reference data/reference/paper.json --quiet
	for name in $tasks; do
		task_numbers "$name"
	done
	echo
	say "done: $report/index.html"
}

if [ "${1-}" = --train ]; then
	size=$SIZE
	train "$2" "$3"
else
	main
fi
exit
