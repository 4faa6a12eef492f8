#!/bin/sh
# Times adapler beside ONNX Runtime on the same shapes, in turn, in one run; prints one row a cell with the ratio of medians.
#
#   SHAPES="small minilm base"  LENGTHS=16,64,128,256,512  BATCHES=1,8  THREADS="1 2"  ROUNDS=3   the grid
#   KEEP=0.75,0.5,0.25,0.1  PRUNED_LENGTH=128  PRUNED_BATCHES=1,8,32   the second table: FLOPs speedup beside the measured one
#   LENGTH_FILES="a.len b.len"   real distributions, a length a line, in batches of 32: ours ragged, the peer padded to each
#                                batch's longest, with a mask
#   ADAPLER_PEERS   folder with onnx_graph.py and ort_bench.mjs (default ../shared/peers)
#   PEER_MODULES    folder with node_modules/onnxruntime-node (default build/peers; `npm install --ignore-scripts --prefix build/peers onnxruntime-node`)
set -eu
cd "$(dirname "$0")/.."
shapes=${SHAPES:-small minilm base} lengths=${LENGTHS-16,64,128,256,512} batches=${BATCHES:-1,8} threads=${THREADS:-1 2}
rounds=${ROUNDS:-3} peers=${ADAPLER_PEERS:-../shared/peers} modules=${PEER_MODULES:-build/peers}
out=build/bench; mkdir -p "$out"; raw=$out/raw.csv; : >"$raw"; : >"$out/pruned.txt"

has_peer=1
if ! command -v node >/dev/null || [ ! -d "$modules/node_modules/onnxruntime-node" ]; then
	echo "skipped: ONNX Runtime is not installed (npm install --ignore-scripts --prefix $modules onnxruntime-node)"; has_peer=0
elif [ ! -f "$peers/onnx_graph.py" ] || ! /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
	echo "skipped: ONNX Runtime needs $peers/onnx_graph.py and python3-numpy to make its graphs"; has_peer=0
fi

# ONNX Runtime's graphs, made once; the better of two fusions counts in every cell.
graph() {
	[ -f "$modules/$1-$2.onnx" ] || /usr/bin/python3 "$peers/onnx_graph.py" "$1" "$2" "$modules/$1-$2.onnx" >/dev/null
	[ -f "$modules/ort_bench.mjs" ] || cp "$peers/ort_bench.mjs" "$modules/"
}
cells() { # 1x16,1x64,... from the lists
	echo "$batches" | tr , '\n' | while read -r b; do echo "$lengths" | tr , '\n' | sed "s/^/${b}x/"; done | paste -sd, -
}
ours() { # shape threads -> shape,threads,batch,length,adapler,median
	build/adapler bench --quiet --json --shape "$1" --threads "$2" --lengths "$lengths" --batch "$batches" --runs 3 |
		sed -E "s/.*\"length\":([0-9]+),\"batch\":([0-9]+),\"threads\":([0-9]+).*\"median_ms\":([0-9.e+-]+).*/$1,\3,\2,\1,adapler,\4/"
}
peer() {
	for variant in attn mha; do
		graph "$1" $variant
		(cd "$modules" && node ort_bench.mjs "$1-$variant.onnx" "$2" "$(cells)") |
			awk -F, -v shape="$1" -v v="onnxruntime-$variant" '{print shape "," $3 "," $4 "," $5 "," v "," $6}'
	done
}
# The whole file: shape,threads,32,file,program,milliseconds
batch_cells() { awk '{ if ($1 > m) m = $1; if (++n == 32) { print n "x" m; n = m = 0 } } END { if (n) print n "x" m }' "$1"; }
ours_file() {
	build/adapler bench --quiet --json --shape "$1" --threads "$2" --lengths-file "$3" --batch 32 --runs 3 --seconds 0 |
		sed -E "s|.*\"median_ms\":([0-9.e+-]+).*|$1,$2,32,$(basename "$3" .len),adapler,\1|"
}
peer_file() {
	graph "$1" attnmask
	batch_cells "$3" >"$out/cells"
	(cd "$modules" && node ort_bench.mjs "$1-attnmask.onnx" "$2" "$(sort -u "$OLDPWD/$out/cells" | paste -sd, -)") |
		awk -F, -v head="$1,$2,32,$(basename "$3" .len)" 'NR == FNR { count[$1]++; next } { ms += count[$4 "x" $5] * $6 }
			END { print head ",onnxruntime-attn," ms }' "$out/cells" -
}
for shape in $shapes; do for t in $threads; do for _ in $(seq "$rounds"); do
	if [ -n "$lengths" ]; then
		ours "$shape" "$t" >>"$raw"
		[ $has_peer = 0 ] || peer "$shape" "$t" >>"$raw"
	fi
	for file in ${LENGTH_FILES:-}; do
		ours_file "$shape" "$t" "$file" >>"$raw"
		[ $has_peer = 0 ] || peer_file "$shape" "$t" "$file" >>"$raw"
	done
done; done; done

# Median over the rounds of each program's medians, and the range of the ratio.
awk -F, '
	function median(list, n,   v, i, j, x) {
		n = split(list, v, " ")
		for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j-1]+0 > v[j]+0; j--) { x = v[j]; v[j] = v[j-1]; v[j-1] = x }
		return v[int((n + 1) / 2)]
	}
	{ cell = $1 "," $2 "," $3 "," $4; if (!(cell in seen)) { seen[cell] = 1; order[++count] = cell } times[cell, $5] = times[cell, $5] " " $6 }
	END {
		printf "%-8s %7s %6s %6s %12s %12s %7s\n", "shape", "threads", "batch", "length", "adapler ms", "ort ms", "ratio"
		for (i = 1; i <= count; i++) {
			cell = order[i]; split(cell, p, ",")
			a = median(times[cell, "adapler"]); best = 0
			for (k = 1; k <= 2; k++) { m = median(times[cell, k == 1 ? "onnxruntime-attn" : "onnxruntime-mha"]); if (m != "" && (best == 0 || m + 0 < best)) best = m + 0 }
			if (best) { r = best / a; sum += log(r); n++; if (worst == 0 || r < worst) worst = r }
			printf "%-8s %7d %6d %6s %12.3f %12s %7s\n", p[1], p[2], p[3], p[4], a, best ? sprintf("%.3f", best) : "-", best ? sprintf("%.2f", best / a) : "-"
		}
		if (n) printf "ratio over %d cells: geometric mean %.2f, least %.2f\n", n, exp(sum / n), worst
	}' "$raw" | tee "$out/table.txt"

[ -n "${KEEP-1}" ] || exit 0
echo
echo "pruned, each layer keeping a share of the rows: what the FLOPs promise (flops x) and what the clock says (time x)"
for shape in $shapes; do
	build/adapler bench --quiet --shape "$shape" --threads "$(echo "$threads" | tr ' ' ,)" --lengths "${PRUNED_LENGTH:-128}" \
		--batch "${PRUNED_BATCHES:-1,8,32}" --keep "${KEEP:-0.75,0.5,0.25,0.1}" | tee -a "$out/pruned.txt"
done
