#!/bin/sh
# How fast predictions are scored: a made-up ERASER data set of full size, and the time of `adapler score` on it.
#
#   scripts/bench_score.sh [DOCUMENTS [TOKENS]]      2000 documents of 800 tokens
#
#   OUT=build/bench_score (kept, and used again)   RUNS=5   ADAPLER=build/adapler
#
# Prints the size of the predictions, the median of RUNS and megabytes a second.
set -eu
documents=${1:-2000} tokens=${2:-800}
root=$(cd "$(dirname "$0")/.." && pwd)
adapler=${ADAPLER:-$root/build/adapler} out=${OUT:-$root/build/bench_score}-$documents-$tokens
if [ ! -e "$out/preds.jsonl" ]; then
	mkdir -p "$out.tmp"
	awk -v documents="$documents" -v tokens="$tokens" -v dir="$out.tmp" '
	function scores(p) { return sprintf("{\"NEG\":%.6f,\"POS\":%.6f}", p, 1 - p) }
	function faithful(p, q) { return "\"comprehensiveness_classification_scores\":" scores(p) ",\"sufficiency_classification_scores\":" scores(q) }
	BEGIN {
		srand(1)
		split("0.01 0.05 0.1 0.2 0.5", share, " ")
		for (d = 1; d <= documents; d++) {
			text = soft = hard = evidence = ""
			for (t = 0; t < tokens; t++) {
				text = text (t % 25 ? " " : t ? "\\n" : "") "w" int(rand() * 5000)
				soft = soft (t ? "," : "") sprintf("%.17g", rand())
			}
			for (k = 0; k < 8; k++) {
				a = int(tokens * k / 8); n = 1 + int(rand() * (tokens / 8 - 1)); b = a + int(rand() * 3)
				hard = hard (k ? "," : "") sprintf("{\"start_token\":%d,\"end_token\":%d}", a, a + n)
				evidence = evidence (k ? "," : "") sprintf("{\"docid\":\"d%d\",\"start_token\":%d,\"end_token\":%d}", d, b, b + n > tokens ? tokens : b + n)
			}
			printf "{\"docid\":\"d%d\",\"document\":\"%s\"}\n", d, text > (dir "/docs.jsonl")
			printf "{\"annotation_id\":\"a%d\",\"query\":\"q\",\"classification\":\"%s\",\"evidences\":[[%s]]}\n", d, rand() < .5 ? "NEG" : "POS", evidence > (dir "/test.jsonl")
			thresholded = ""
			for (k = 1; k <= 5; k++)
				thresholded = thresholded (k > 1 ? "," : "") "{\"threshold\":" share[k] "," faithful(rand(), rand()) "}"
			printf "{\"annotation_id\":\"a%d\",\"rationales\":[{\"docid\":\"d%d\",\"hard_rationale_predictions\":[%s],\"soft_rationale_predictions\":[%s]}],\"classification\":\"NEG\",\"classification_scores\":%s,%s,\"thresholded_scores\":[%s]}\n", d, d, hard, soft, scores(rand()), faithful(rand(), rand()), thresholded > (dir "/preds.jsonl")
		}
	}'
	mv "$out.tmp" "$out"
fi
bytes=$(wc -c <"$out/preds.jsonl")
for _ in $(seq "${RUNS:-5}"); do
	from=$(date +%s%N)
	"$adapler" score --data_dir "$out" --split test --results "$out/preds.jsonl" >/dev/null
	echo $(($(date +%s%N) - from))
done | sort -n | awk -v bytes="$bytes" '{ ns[NR] = $1 } END { m = ns[int((NR + 1) / 2)] / 1e9
	printf "%.1f MB of predictions: median %.3f s of %d (%.3f to %.3f), %.0f MB/s\n", bytes / 1e6, m, NR, ns[1] / 1e9, ns[NR] / 1e9, bytes / 1e6 / m }'
