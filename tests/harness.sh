#!/bin/sh
# Can the harness fail? Runs the canary in each of its ways and looks at what the runner makes of it, and shows the
# include rules a tree that breaks them.
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# expect NAME COMMAND WORDS...: a program of that name that runs the command must be reported with these words.
expect()
{
	name=$1 command=$2
	shift 2
	printf '#!/bin/sh\n%s\n' "$command" >"$work/$name"
	chmod +x "$work/$name"
	output=$(TEST_SECONDS=2 tests/run.sh "$work/$name" 2>&1)
	status=$?
	for words; do
		if ! printf '%s\n' "$output" | grep -qF -- "$words"; then
			failed=$((failed + 1))
			printf 'failed: %s: expected "%s" in:\n%s\n' "$name" "$words" "$output"
			return
		fi
	done
	case $name:$status in
	pass_*:0 | fail_*:1) passed=$((passed + 1)) ;;
	*) failed=$((failed + 1)) && echo "failed: $name: the runner ended with status $status" ;;
	esac
}

canary=build/debug/tests/canary
expect pass_one "$canary passes" '1 passed, 0 failed'
expect pass_skip "$canary passes skips" 'skipped: skips: on purpose' '1 passed, 0 failed, 1 skipped'
for way in check int text near nan code require after_skip; do
	expect "fail_$way" "$canary passes fails_$way" "failed: fails_$way (tests/canary.c:" '1 passed, 1 failed'
done
expect fail_crash "$canary crashes 2>/dev/null" 'ended with status 134' '0 passed, 1 failed'
expect fail_overflow "$canary overflows" 'signed integer overflow' '0 passed, 1 failed'
expect fail_leak "$canary leaks" 'detected memory leaks' '1 failed'
expect fail_hang "$canary hangs" 'ran longer than 2 s' '0 passed, 1 failed'
expect fail_silence true 'ended with status 0' '0 passed, 1 failed'
expect fail_missing ./there-is-no-such-program 'ended with status 127' '0 passed, 1 failed'

mkdir -p "$work/tree/engine/base" "$work/tree/eval"
echo '#include "../policy.h"' >"$work/tree/engine/base/a.c"
echo '#include "../engine/kernels.h"' >"$work/tree/eval/b.c"
echo '#include <sqlite3.h>' >"$work/tree/engine/c.c"
expect fail_includes "scripts/check_includes.sh $work/tree" 'engine/base/a.c:1 must not include engine/policy.h' \
	'eval/b.c:1 must not include engine/kernels.h' 'engine/c.c:1 must not include sqlite3.h' '0 passed, 1 failed'

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
