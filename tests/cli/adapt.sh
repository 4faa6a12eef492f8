# Which epoch adapt keeps, and how lambda grows.
. "$PROJECT/tests/small_task.sh"
small_task 100 || exit 1
"$ADAPLER" finetune --model fresh $on_task --lr 1e-2 --batch 10 --epochs 8 --out ft --quiet >/dev/null
"$ADAPLER" saliency --model ft $on_task --out words.saliency --quiet
adapt() { "$ADAPLER" adapt $on_task --saliency words.saliency --batch 10 --quiet "$@"; }
curve() { "$ADAPLER" curve --db $1/run.db --run 1 --name "$2" | tail -n +2; }

# kept OUT FLOOR OPTIONS...: is the best epoch the fastest whose score is not below the floor, else that of the best
# score, the earlier of equals? It starts from what can do the task and drops more from epoch to epoch: they are not one.
kept()
{
	out=$1 floor=$2
	shift 2
	adapt --model ft --out $out --epochs 6 --lr 1e-2 --gamma 0 --phi 0.5 --speed-lr 3e-2 "$@" >$out.json 2>$out.err
	curve $out dev/accuracy,dev/flops_speedup | awk -F '\t' -v floor=$floor -v out=$out \
		-v kept="$(sed 's/.*"best_epoch":\([0-9]*\).*/\1/' $out.json)" '
		$2 != "" {
			epoch++
			if (best == "" || $2 > score) { best = epoch; score = $2 }
			if ($2 >= floor && (fastest == "" || $3 > speed)) { fastest = epoch; speed = $3 }
			if (top == "" || $3 > most) { top = epoch; most = $3 }
		}
		END {
			print out ": " (kept == (fastest == "" ? best : fastest) ? "as it should be" : "epoch " kept) \
				(kept == top ? ", the fastest of all" : "") (kept == best ? ", the best of all" : "")
		}'
	cat $out.err
}
kept low 0.1 --dense-score 0.2 --tolerance 0.1
kept loose 0 --tolerance 1
kept high 1.99 --dense-score 2
kept above 1.5 --dense-score 1.5 --tolerance 0

echo '-- lambda'
# lambda OUT OPTIONS...
lambda()
{
	adapt --model fresh --out "$@" >/dev/null 2>&1
	curve $1 train/lambda | awk -F "\t" '{ printf "%.6g\n", $2 }' | uniq | paste -s -d ' '
}
lambda one --epochs 1
lambda three --epochs 3
lambda four --epochs 4
lambda five
lambda ten --epochs 10
lambda ten-from-50 --epochs 10 --lambda 50
lambda three-from-10 --epochs 3 --lambda 10
lambda three-by-2 --epochs 3 --lambda-factor 2
lambda three-above --epochs 3 --lambda 1e6
lambda one-soft --epochs 1 --lambda 10
lambda own --epochs 3 --lambda 2 --lambda-factor 0.5
