#!/bin/sh
# What `make check` does besides compiling with clang: formatting, include rules, clang-tidy, cppcheck. Arguments are
# handed to clang-tidy's compiler.
cd "$(dirname "$0")/.." || exit 1
status=0
sources=$(find adapler.c engine eval eraser reports tests -name '*.[ch]' | sort)

echo 'clang-format'
# shellcheck disable=SC2086
clang-format --dry-run -Werror $sources || status=1

echo 'include rules'
scripts/check_includes.sh || status=1

echo 'clang-tidy'
tidy=$(echo "$sources" | grep '\.c$' | grep -v kernels_avx)
# shellcheck disable=SC2086
clang-tidy --quiet --warnings-as-errors='*' --checks="-*,bugprone-branch-clone,bugprone-infinite-loop,\
bugprone-sizeof-*,bugprone-string-*,bugprone-suspicious-*,-bugprone-suspicious-include,bugprone-terminating-continue,\
bugprone-unused-return-value,clang-analyzer-core.*,clang-analyzer-unix.*,\
misc-redundant-expression" $tidy -- -std=c11 -D_GNU_SOURCE "$@" 2>/dev/null || status=1

echo 'cppcheck'
# shellcheck disable=SC2086
cppcheck --quiet --std=c11 --error-exitcode=1 --enable=warning,portability --inline-suppr -D_GNU_SOURCE \
	--suppress=missingIncludeSystem --suppress=unknownMacro adapler.c engine || status=1

[ $status -eq 0 ] && echo 'nothing found'
exit $status
