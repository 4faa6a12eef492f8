#!/bin/sh
# GFLOP/s of the kernels, every table in turn: scripts/bench_kernels.sh [SECONDS a cell [MB of weights]]
set -eu
cd "$(dirname "$0")/.."
make --no-print-directory all >&2
${CC:-cc} -O2 -std=c11 -D_GNU_SOURCE -pthread scripts/bench_kernels.c build/libadapler.a \
	-lcjson -lutf8proc -lz -lopenblas -lm -o build/bench_kernels
exec build/bench_kernels "$@"
