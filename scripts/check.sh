#!/bin/sh
# What `make check` does besides compiling with clang: formatting, include rules, clang-tidy, cppcheck. Arguments are
# handed to clang-tidy's compiler.
cd "$(dirname "$0")/.." || exit 1
status=0
sources=$(find adapler.c engine eval eraser reports tests -name '*.[ch]' 2>/dev/null | sort)

echo 'clang-format (make format mends it)'
for source in $sources; do
	clang-format "$source" | cmp -s - "$source" || { echo "$source"; status=1; }
done

echo 'include rules'
scripts/check_includes.sh || status=1

echo 'clang-tidy'
# Not the path-sensitive core checkers: they cannot follow "returns non-zero when it failed" across files, and nearly all
# they say is wrong. The sanitizers watch the same ground in every test.
tidy=$(echo "$sources" | grep '\.c$' | grep -vE 'kernels_avx|^tests/')
# shellcheck disable=SC2086
clang-tidy --quiet --warnings-as-errors='*' --checks="-*,bugprone-infinite-loop,\
bugprone-string-*,bugprone-suspicious-enum-usage,bugprone-suspicious-memset-usage,bugprone-suspicious-missing-comma,\
bugprone-suspicious-semicolon,bugprone-terminating-continue,bugprone-too-small-loop-variable,\
bugprone-unused-return-value,clang-analyzer-deadcode.*,clang-analyzer-unix.*,misc-redundant-expression" \
	$tidy -- -std=c11 -D_GNU_SOURCE "$@" 2>/dev/null || status=1

echo 'cppcheck'
# shellcheck disable=SC2086
cppcheck --quiet --std=c11 --error-exitcode=1 --enable=warning,portability --inline-suppr -D_GNU_SOURCE \
	--suppress=missingIncludeSystem --suppress=unknownMacro --suppress=uninitvar:engine/kernels_simd.h adapler.c \
	$(ls -d engine eval eraser reports 2>/dev/null) || status=1

[ $status -eq 0 ] && echo 'nothing found'
exit $status
