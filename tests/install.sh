#!/bin/sh
# Installs into a folder of its own and uses what is there the way a stranger would: the program, the header through
# pkg-config, both libraries; then uninstalls and expects nothing to be left.
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
export PKG_CONFIG_PATH="$root/usr/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"

# check SENTENCE COMMAND...
check()
{
	sentence=$1
	shift
	if "$@" >"$work/output" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "failed: install: $sentence"
		cat "$work/output"
	fi
}

# The variables of an outer make would reach the inner one.
make_clean() { env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make "$@"; }

installed() { make_clean install DESTDIR="$root" PREFIX=/usr; }

compiled()
{
	cat >"$work/use.c" <<'C'
#include <adapler/engine.h>
#include <stdio.h>

int main(void)
{
	struct policy p;
	struct err e = {0};
	if (policy_parse(&p, "no-such-policy", &e) != ERR_USAGE || policy_parse(&p, "none", &(struct err){0}))
		return 1;
	puts(e.text);
	return 0;
}
C
	# shellcheck disable=SC2046
	gcc -std=c11 -Wall -Wextra -Wpedantic -Werror "$work/use.c" -o "$work/use" "$@" || return 1
	LD_LIBRARY_PATH=$root/usr/lib "$work/use" | grep 'no-such-policy'
}

flags() { pkg-config "$@" --define-variable=prefix="$root/usr" --define-variable=libdir="$root/usr/lib" adapler; }

# shellcheck disable=SC2046
shared_library() { compiled $(flags --cflags --libs); }

# shellcheck disable=SC2046
static_library()
{
	compiled $(flags --cflags) "$root/usr/lib/libadapler.a" $(pkg-config --static --libs-only-l --libs-only-L adapler |
		sed 's/-ladapler//')
}

header_is_cplusplus()
{
	command -v g++ >/dev/null || return 0
	echo '#include <adapler/engine.h>' | g++ -x c++ -fsyntax-only -Wall -Wextra -Werror "-I$root/usr/include" -
}

# Every function of engine.h is exported, and nothing else is.
symbols_are_the_headers()
{
	nm -D --defined-only "$root/usr/lib/libadapler.so.0" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort >"$work/exported"
	nm --defined-only --extern-only "$root/usr/lib/libadapler.a" | awk 'NF == 3 { print $3 }' | sort >"$work/archived"
	sed -n '/^[a-z].*(/s/^[a-z].*[ *]\([a-z_0-9]*\)(.*/\1/p' engine/engine.h | sort >"$work/declared"
	diff "$work/declared" "$work/exported" && diff "$work/declared" "$work/archived"
}

soname() { readelf -d "$root/usr/lib/libadapler.so.0" | grep -F 'Library soname: [libadapler.so.0]'; }

library_never_prints_or_exits()
{
	! nm -u "$root/usr/lib/libadapler.a" | grep -wE 'exit|_exit|printf|puts|putchar|stdout|perror'
}

page_is_roff() { ! command -v man >/dev/null || ! man --warnings -l "$root/usr/share/man/man1/adapler.1" 2>&1 >/dev/null | grep .; }

completes() { bash -n "$root/usr/share/bash-completion/completions/adapler" && [ -s "$root/usr/share/zsh/site-functions/_adapler" ]; }

nothing_left() { make_clean uninstall DESTDIR="$root" PREFIX=/usr && ! find "$root" ! -type d | grep .; }

check 'make install works' installed
check 'the program runs' "$root/usr/bin/adapler" --version --verbose
check 'a program links to the shared library' shared_library
check 'a program links to the archive' static_library
check 'the header compiles as C++' header_is_cplusplus
check 'the exported symbols are those of engine.h' symbols_are_the_headers
check 'the soname is libadapler.so.0' soname
check 'the library never prints or exits' library_never_prints_or_exits
check 'the man page has no roff errors' page_is_roff
check 'completion files are there' completes
check 'uninstall leaves nothing' nothing_left
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
