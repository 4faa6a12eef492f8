#!/bin/sh
# Installs what the build and the tests need on Debian or Ubuntu, as root or through sudo without a password; otherwise
# prints the command and exits 1. Says nothing when all is there.
#   deps.sh           what `make` and `make test` need
#   deps.sh tools     also what `make check` and `make fuzz` need
#   deps.sh --check   only says what is missing (exit 1), installs nothing
set -u

missing=
need() { missing="$missing $1"; }
need_command() { command -v "$1" >/dev/null 2>&1 || need "$2"; }
need_library() { pkg-config --exists "$1" 2>/dev/null || need "$2"; }

need_command gcc gcc
need_command make make
[ -e /usr/include/stdlib.h ] || need libc6-dev
need_command pkg-config pkg-config
need_library libcjson libcjson-dev
need_library libutf8proc libutf8proc-dev
need_library zlib zlib1g-dev
need_library openblas libopenblas-dev
need_library sqlite3 libsqlite3-dev
if [ "${1-}" != --check ]; then
	# Optional for a build (Keras files), wanted for the tests; gnuplot draws for `adapler curve`, sqlite3 makes the
	# tests' databases, python3 runs the ctypes example of the README and, with curl and
	# unzip, what fetch_data.sh is tested against.
	pkg-config --exists hdf5 2>/dev/null || pkg-config --exists hdf5-serial 2>/dev/null || need libhdf5-dev
	need_command python3 python3
	need_command gnuplot gnuplot-nox
	need_command sqlite3 sqlite3
	need_command curl curl
	need_command unzip unzip
fi
if [ "${1-}" = tools ]; then
	need_command clang clang
	need_command clang-format clang-format
	need_command clang-tidy clang-tidy
	need_command cppcheck cppcheck
	need_command chromium chromium # opens the report's page in a test
	clang -print-file-name=libclang_rt.fuzzer-x86_64.a 2>/dev/null | grep -q / || need libclang-rt-dev
fi

[ -z "$missing" ] && exit 0
if [ "${1-}" = --check ]; then
	echo "missing packages:$missing; run scripts/deps.sh to install them" >&2
	exit 1
fi

install="apt-get install -y --no-install-recommends$missing"
if ! command -v apt-get >/dev/null 2>&1; then
	echo "deps.sh: no apt-get here; install the equivalents of:$missing" >&2
	exit 1
elif [ "$(id -u)" -eq 0 ]; then
	as_root=
elif sudo -n true 2>/dev/null; then
	as_root='sudo -n'
else
	echo "deps.sh: packages are missing; run: sudo $install" >&2
	exit 1
fi

echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086
if ! { $as_root apt-get update && $as_root $install; } >"$log" 2>&1; then
	cat "$log" >&2
	echo "deps.sh: could not install; tried: $install" >&2
	exit 1
fi
