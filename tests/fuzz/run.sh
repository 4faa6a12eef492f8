#!/bin/sh
# run.sh SECONDS FUZZER...: runs each fuzzer for that long from its corpus, tests/fuzz/corpus/x for fuzz_x. What it learns
# and what it finds stays in build/fuzz/x; a find is printed and makes the run fail.
cd "$(dirname "$0")/../.." || exit 1
seconds=$1
shift
status=0
for fuzzer; do
	name=$(basename "$fuzzer" | sed 's/^fuzz_//')
	kept=build/fuzz/$name
	mkdir -p "$kept/corpus" "$kept/finds"
	seeds=tests/fuzz/corpus/$name
	[ -d "$seeds" ] || seeds=
	echo "$fuzzer: $seconds s"
	# shellcheck disable=SC2086
	if "$fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 -print_final_stats=1 \
		-artifact_prefix="$kept/finds/" "$kept/corpus" $seeds >"$kept/log" 2>&1; then
		grep -E 'stat::(number_of_executed_units|average_exec_per_sec)' "$kept/log"
	else
		tail -n 40 "$kept/log"
		echo "$fuzzer failed; the input is in $kept/finds, the log is $kept/log"
		status=1
	fi
done
exit $status
