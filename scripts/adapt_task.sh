#!/bin/sh
# From a pre-trained model to AdapLeR at several phi on one task: fine-tune, saliency, adapt, evaluate, and what a model must beat.
#
#   scripts/adapt_task.sh TASK DATA OUT
#
#   MODEL=data/models/adapler-mini   LENGTH=64   LIMIT=   EPOCHS=3   LR=1e-4      fine-tuning, and the length and samples of all
#   PHIS="0.0005 0.005 0.02"   GAMMA=0.05   SPEED_LR=2e-3   ADAPT_EPOCHS=3   SEED=1
#   SPLIT=dev   RUNS=5   EVAL_LIMIT=   JOBS=1   THREADS=   ADAPLER=build/adapler
#
# The same command goes on where it was stopped or killed. Quality is of the whole split, time of EVAL_LIMIT samples of it (all) on
# one thread. OUT/SPLIT.tsv: a row a model and batch size; OUT/SPLIT-*.json: what `adapler eval` and `adapler baseline` said.
set -eu
[ $# -eq 3 ] || { sed -n '2,/^set/p' "$0" | sed 's/^# \{0,1\}//; /^set/d' >&2; exit 2; }
task=$1 data=$2 out=$3
adapler=${ADAPLER:-$(cd "$(dirname "$0")/.." && pwd)/build/adapler}
model=${MODEL:-$(cd "$(dirname "$0")/.." && pwd)/data/models/adapler-mini}
length=${LENGTH:-64} lr=${LR:-1e-4} seed=${SEED:-1} split=${SPLIT:-dev} runs=${RUNS:-5}
gamma=${GAMMA:-0.05} speed_lr=${SPEED_LR:-2e-3} epochs=${EPOCHS:-3} adapt_epochs=${ADAPT_EPOCHS:-3}
on="--task $task --data $data --max-length $length"
limit=${LIMIT:+--limit $LIMIT}
mkdir -p "$out"

# shellcheck disable=SC2086
{
"$adapler" finetune --model "$model" $on $limit --lr "$lr" --epochs "$epochs" --seed "$seed" ${THREADS:+--threads $THREADS} \
	--out "$out/dense" >"$out/dense.log"
[ -e "$out/saliency" ] || "$adapler" saliency --model "$(printf '%s\n' "$out"/dense/epoch-* | paste -s -d , -)" $on $limit --out "$out/saliency" \
	${THREADS:+--threads $THREADS}

one_phi='phi=$1; shift; "$@" --phi "$phi" --out "$0/phi-$phi" >"$0/phi-$phi.log"'
printf '%s\n' ${PHIS:-0.0005 0.005 0.02} | xargs -P "${JOBS:-1}" -I PHI sh -c "$one_phi" "$out" PHI \
	"$adapler" adapt --model "$model" --saliency "$out/saliency" $on $limit --lr "$lr" --gamma "$gamma" --speed-lr "$speed_lr" \
	--epochs "$adapt_epochs" --seed "$seed" ${THREADS:+--threads $THREADS}

# JSON NAME: a number of it.
number() { sed -E "s/.*\"$2\":([^,}]*).*/\1/" "$1"; }
evaluate() { # model policy batch runs json options...
	to=$5 m=$1 p=$2 b=$3 r=$4; shift 5
	[ -e "$to" ] || { "$adapler" eval --model "$m" --policy "$p" $on --split "$split" --batch "$b" --runs "$r" --threads 1 "$@" >"$to.tmp" &&
		mv "$to.tmp" "$to"; }
}
# Named by all that they depend on: other settings are other files.
timing=$split-${EVAL_LIMIT:-all}x$runs
"$adapler" baseline --task "$task" --data "$data" --split "$split" $limit --json >"$out/$split-baseline.json"
printf 'model\tbatch\tscore\tflops_speedup\ttime_speedup\tkept\n' >"$out/$split.tsv.tmp"
for run in dense $(printf 'phi-%s ' ${PHIS:-0.0005 0.005 0.02}); do
	policy=adapler; [ "$run" != dense ] || policy=none
	quality="$out/$split-$run.json"
	evaluate "$out/$run" $policy 32 1 "$quality"
	for batch in 1 32; do
		timed="$out/$timing-$run-batch-$batch.json"
		evaluate "$out/$run" $policy $batch "$runs" "$timed" ${EVAL_LIMIT:+--limit $EVAL_LIMIT}
		printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$run" $batch "$(number "$quality" score)" "$(number "$quality" flops_speedup)" \
			"$(number "$timed" time_speedup)" "$(sed -E 's/.*"kept":\[([^]]*)\].*/\1/' "$quality")" >>"$out/$split.tsv.tmp"
	done
done
mv "$out/$split.tsv.tmp" "$out/$split.tsv"
cat "$out/$split-baseline.json" "$out/$split.tsv"
}
