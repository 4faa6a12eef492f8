#!/bin/sh
# Runs test programs, each in turn: one line for a program that passed, everything it said when something is amiss.
# A program ends with the line `N passed, M failed, K skipped`; one that crashes, hangs or says nothing has failed once.
# The last line is the sum over all of them.
limit=${TEST_SECONDS:-900}
passed=0 failed=0 skipped=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT

for program; do
	timeout "$limit" "$program" >"$output" 2>&1
	status=$?
	summary=$(grep -aE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$output" | tail -n 1)
	set -- ${summary:-0 passed, 0 failed, 0 skipped}
	p=$1 f=$3 s=$5
	if [ -z "$summary" ] || { [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; }; then
		f=$((f + 1))
		[ "$status" -eq 124 ] && why="ran longer than $limit s" || why="ended with status $status"
		echo "failed: $program $why" >>"$output"
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	if [ "$f" -ne 0 ]; then
		printf '%s:\n' "${program#./}"
		grep -avE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$output"
	elif [ "$s" -ne 0 ]; then
		grep -a '^skipped: ' "$output"
	fi
	printf '%-44s %s passed, %s failed%s\n' "${program#./}" "$p" "$f" "$([ "$s" -ne 0 ] && echo ", $s skipped")"
done

[ "$skipped" -ne 0 ] && rest=", $skipped skipped" || rest=
echo "$passed passed, $failed failed$rest"
[ "$failed" -eq 0 ]
