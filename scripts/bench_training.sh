#!/bin/sh
# Times training steps (forward, backward, AdamW; dropout 0.1) of adapler and PyTorch on the same shapes, in turn, in one run.
#
#   SHAPES="small minilm"  CELLS="32x64 32x128"  THREADS="2 1"  ROUNDS=3   the grid, cells are BATCHxLENGTH
#   LENGTH_FILES="a.len b.len"   real distributions, a length a line, in batches of 32: ours ragged, the peer padded to each batch's
#                                longest, with a mask; a time is of the whole file
#   PEER_RUNS=3   steps (or passes) of the peer a round
#
# The peer runs as it comes (with AdamW's foreach, the faster of its two), and with what helps it: an allocator that keeps its memory, and
# threads for either its operators (tuned) or OpenBLAS (blas), which disturb each other. Its best counts.
set -eu
cd "$(dirname "$0")/.."
shapes=${SHAPES-small minilm} cells=${CELLS-32x64 32x128} threads=${THREADS:-2 1} rounds=${ROUNDS:-3} runs=${PEER_RUNS:-3}
python=${PYTHON:-/usr/bin/python3}
out=build/bench; mkdir -p "$out"; raw=$out/training.csv; : >"$raw"

variants="default tuned blas"
if ! "$python" -c 'import torch' 2>/dev/null; then
	echo "skipped: PyTorch is not installed (apt install python3-torch)"; variants=
fi
keeping="MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456"

# OpenBLAS is left to find the processor itself, whatever the environment says.
torch() { # variant shape threads batch length-or-file
	case $1 in
	default) set -- "$@" $3 ;;
	tuned) set -- "$@" $3 $keeping OPENBLAS_NUM_THREADS=1 ;;
	blas) set -- "$@" 1 $keeping OPENBLAS_NUM_THREADS="$3" ;;
	esac
	shape=$2 batch=$4 length=$5 own=$6; shift 6
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE "$@" "$python" scripts/bench_training.py "$shape" "$own" "$batch" "$length" "$runs" foreach
}
ours() { # shape threads batch options... -> milliseconds
	shape=$1 t=$2 batch=$3; shift 3
	build/adapler bench --train --quiet --json --shape "$shape" --threads "$t" --batch "$batch" --runs 3 "$@" |
		sed -E 's/.*"median_ms":([0-9.e+-]+).*/\1/'
}
for _ in $(seq "$rounds"); do for shape in $shapes; do for t in $threads; do
	for cell in $cells; do
		batch=${cell%x*} length=${cell#*x} head=$shape,$t,$cell,$((batch * length))
		echo "$head,adapler,$(ours "$shape" "$t" "$batch" --lengths "$length")" >>"$raw"
		for v in $variants; do echo "$head,torch-$v,$(torch "$v" "$shape" "$t" "$batch" "$length")" >>"$raw"; done
	done
	for file in ${LENGTH_FILES:-}; do
		head=$shape,$t,$(basename "$file" .len),$(awk '{ n += $1 } END { print n }' "$file")
		echo "$head,adapler,$(ours "$shape" "$t" 32 --lengths-file "$file" --seconds 0)" >>"$raw"
		for v in $variants; do echo "$head,torch-$v,$(torch "$v" "$shape" "$t" 32 "$file")" >>"$raw"; done
	done
done; done; done

# Medians over the rounds; the spread is the range of ours and of the peer's best variant.
sort -t, -k6,6g "$raw" | awk -F, '
	{ cell = $1 "," $2 "," $3 "," $4 }
	NR == FNR { if (!(cell in seen)) { seen[cell] = 1; order[++cells] = cell } next }
	{ n[cell, $5]++; ms[cell, $5, n[cell, $5]] = $6 }
	function middle(cell, who) { return ms[cell, who, int((n[cell, who] + 1) / 2)] }
	function range(cell, who) { return sprintf("%.4g-%.4g", ms[cell, who, 1], ms[cell, who, n[cell, who]]) }
	END {
		printf "%-8s %7s %8s %11s %17s %10s %10s %10s %10s %17s %6s\n", "shape", "threads", "cell", "adapler ms", "range", "tokens/s", "torch", "tuned", "blas", "range of best", "ratio"
		for (i = 1; i <= cells; i++) {
			cell = order[i]; split(cell, p, ","); best = ""
			split("default tuned blas", names, " "); a = middle(cell, "adapler")
			for (k = 1; k <= 3; k++) if (n[cell, "torch-" names[k]] && (best == "" || middle(cell, "torch-" names[k]) + 0 < middle(cell, best) + 0)) best = "torch-" names[k]
			printf "%-8s %7d %8s %11.5g %17s %10.0f", p[1], p[2], p[3], a, range(cell, "adapler"), p[4] / a * 1000
			if (best != "") printf " %10.5g %10.5g %10.5g %17s %6.2f", middle(cell, "torch-default"), middle(cell, "torch-tuned"), middle(cell, "torch-blas"), range(cell, best), middle(cell, best) / a
			printf "\n"
		}
	}' "$raw" - | tee "$out/training.txt"
