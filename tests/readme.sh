#!/bin/sh
# What the README says, done: its console sessions give the output shown, its C and Python examples build against an
# installed copy and run.
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0 skipped=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
top=$PWD

# verdict SENTENCE STATUS OUTPUT
verdict()
{
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "failed: readme: $1"
		cat "$3"
	fi
}

# block LANGUAGE: the text of all its fenced blocks.
block() { awk -v fence='```'"$1" '$0 == fence { on = 1; next } /^```/ { on = 0 } on' README.md; }

# Sets of kernels differ by rounding: four decimals count.
round() { sed -E 's/([0-9]+\.[0-9]{4})[0-9]+/\1/g'; }

ln -s "$top/data" "$work/data"
block console >"$work/session"
PATH=$top/build:$PATH
(cd "$work" && COLUMNS=100 NO_COLOR=1 awk '/^\$ / { print "printf \"%s\\n\" '"'"'" $0 "'"'"'"; print substr($0, 3) }' session >run.sh &&
	COLUMNS=100 sh run.sh >found 2>&1)
round <"$work/session" >"$work/expected"
round <"$work/found" >"$work/rounded"
diff "$work/expected" "$work/rounded" >"$work/output"
verdict 'the console sessions give what they show' $? "$work/output"

model=$work/tiny
root=$work/root
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make install DESTDIR="$root" PREFIX=/usr >"$work/output" 2>&1
export PKG_CONFIG_PATH="$root/usr/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root" LD_LIBRARY_PATH="$root/usr/lib"
block c >"$work/example.c"
# shellcheck disable=SC2046
gcc -std=c11 -Wall -Wextra -Werror "$work/example.c" -I"$root/usr/include" -L"$root/usr/lib" -ladapler -o "$work/example" \
	>"$work/output" 2>&1 && "$work/example" "$model" 'a gorgeous, witty movie' >"$work/output" 2>&1 &&
	grep -qE '^(negative|positive): [0-9 ]+ of 7 tokens$' "$work/output"
verdict 'the C example says how many tokens reached each layer' $? "$work/output"

if command -v python3 >/dev/null; then
	block python >"$work/example.py"
	python3 "$work/example.py" "$root/usr/lib/libadapler.so" "$model" 2 44 90 3 >"$work/output" 2>&1 &&
		grep -qE '^died at \[4, [0-4], [0-4], [0-4]\] of 4$' "$work/output"
	verdict 'the ctypes example says where tokens died' $? "$work/output"
else
	skipped=1
	echo 'skipped: readme: there is no python3 for the ctypes example'
fi

[ "$(block c | wc -l)" -le 45 ]
verdict 'the C example is short' $? /dev/null

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
