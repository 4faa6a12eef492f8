#!/bin/sh
# GFLOP/s of the kernels, every table in turn: scripts/bench_kernels.sh [SECONDS a cell [MB of weights]]
set -eu
cd "$(dirname "$0")/.."
make --no-print-directory all >&2
o=build/release/engine # the library hides these
${CC:-cc} -O2 -std=c11 -D_GNU_SOURCE -pthread scripts/bench_kernels.c $o/kernels*.o $o/base/arena.o $o/base/clock.o \
	$o/base/err.o $o/base/rng.o -lopenblas -lm -o build/bench_kernels
exec build/bench_kernels "$@"
