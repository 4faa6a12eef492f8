#!/bin/sh
# From a pre-trained model to AdapLeR at several phi on one task: fine-tune, saliency, adapt.
#
#   scripts/train_task.sh TASK DATA OUT
#
#   MODEL=data/models/adapler-mini   LENGTH=64   LIMIT=   EPOCHS=3   LR=1e-4      fine-tuning, and the length and samples of all
#   PHIS="0.0005 0.005 0.02"   GAMMA=0.05   SPEED_LR=2e-3   ADAPT_EPOCHS=3   SEED=1
#   BATCH=32   ADAPT_LR=   adapt's learning rate (LR)
#   JOBS=1   THREADS=   ADAPLER=build/adapler
#
# The same command goes on where it was stopped or killed. It leaves OUT/dense, OUT/saliency, OUT/phi-PHI and their logs.
set -eu
[ $# -eq 3 ] || { sed -n '2,/^set/p' "$0" | sed 's/^# \{0,1\}//; /^set/d' >&2; exit 2; }
task=$1 data=$2 out=$3
adapler=${ADAPLER:-$(cd "$(dirname "$0")/.." && pwd)/build/adapler}
model=${MODEL:-$(cd "$(dirname "$0")/.." && pwd)/data/models/adapler-mini}
length=${LENGTH:-64} lr=${LR:-1e-4} seed=${SEED:-1}
gamma=${GAMMA:-0.05} speed_lr=${SPEED_LR:-2e-3} epochs=${EPOCHS:-3} adapt_epochs=${ADAPT_EPOCHS:-3}
on="--task $task --data $data --max-length $length"
limit=${LIMIT:+--limit $LIMIT} batch="--batch ${BATCH:-32}"
mkdir -p "$out"

# shellcheck disable=SC2086
{
"$adapler" finetune --model "$model" $on $limit $batch --lr "$lr" --epochs "$epochs" --seed "$seed" ${THREADS:+--threads $THREADS} \
	--out "$out/dense" >"$out/dense.log"
[ -e "$out/saliency" ] || "$adapler" saliency --model "$(printf '%s\n' "$out"/dense/epoch-* | paste -s -d , -)" $on $limit --out "$out/saliency" \
	${THREADS:+--threads $THREADS}

one_phi='phi=$1; shift; "$@" --phi "$phi" --out "$0/phi-$phi" >"$0/phi-$phi.log"'
printf '%s\n' ${PHIS:-0.0005 0.005 0.02} | xargs -P "${JOBS:-1}" -I PHI sh -c "$one_phi" "$out" PHI \
	"$adapler" adapt --model "$model" --saliency "$out/saliency" $on $limit $batch --lr "${ADAPT_LR:-$lr}" --gamma "$gamma" --speed-lr "$speed_lr" \
	--epochs "$adapt_epochs" --seed "$seed" ${THREADS:+--threads $THREADS}
}
