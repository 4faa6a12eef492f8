#!/bin/sh
# Golden tests of the command line: x.sh is run with sh in a folder of its own; its standard output must equal x.stdout
# and its exit status the number in x.exit (0 without that file). Where x.stderr exists, standard error must equal it.
# A script finds the program as $ADAPLER, this folder as $CLI, the project as $PROJECT and shared data as $SHARED, and
# skips itself with `echo why >&2; exit 77`. Names of tests may be given as arguments.
cli=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$cli/../.." && pwd)
shared=${ADAPLER_SHARED:-$project/../shared}
passed=0 failed=0 skipped=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

run_one()
{
	name=$1
	mkdir -p "$work/$name"
	(
		cd "$work/$name" &&
			ADAPLER=${ADAPLER:-$project/build/debug/adapler} CLI=$cli PROJECT=$project SHARED=$shared NO_COLOR=1 \
				sh "$cli/$name.sh" >"$work/$name.stdout" 2>"$work/$name.stderr" </dev/null
	)
	status=$?
	if [ $status -eq 77 ]; then
		skipped=$((skipped + 1))
		echo "skipped: cli/$name: $(cat "$work/$name.stderr")"
		return
	fi
	expected=$(cat "$cli/$name.exit" 2>/dev/null || echo 0)
	wrong=
	[ "$status" -eq "$expected" ] || wrong="exit status is $status, expected $expected"
	for stream in stdout stderr; do
		[ -e "$cli/$name.$stream" ] || continue
		diff -u "$cli/$name.$stream" "$work/$name.$stream" >"$work/diff" && continue
		wrong="$wrong
$(cat "$work/diff")"
	done
	if [ -z "$wrong" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'failed: cli/%s: %s\n' "$name" "$wrong"
		[ -e "$cli/$name.stderr" ] || head -n 20 "$work/$name.stderr"
	fi
}

if [ $# -gt 0 ]; then
	for name; do run_one "$name"; done
else
	for script in "$cli"/*.sh; do
		[ "$script" = "$cli/run.sh" ] || run_one "$(basename "$script" .sh)"
	done
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
