#!/bin/sh
# The walls of the house: who may include whom.
#   engine/base <- engine <- eval <- eraser; outside engine/ only engine/engine.h and engine/base/* of it;
#   reports sees the store, the facts in it and what follows from them, never a model; base knows libc and cJSON only; SQL is eval's.
# Checks the tree given as argument, by default the project's. Ends with a line of counts like a test program.
cd "${1:-$(dirname "$0")/..}" || exit 1

find adapler.c engine eval eraser reports -name '*.[chd]*' 2>/dev/null | sort | xargs awk '
function folder(path) { return path ~ /\// ? gensub_folder(path) : "." }
function gensub_folder(path) { sub(/\/[^\/]*$/, "", path); return path }
# "engine/x/../base/y.h" -> "engine/base/y.h"
function tidy(path) { while (sub(/[^\/.]+\/\.\.\//, "", path)); sub(/^\.\//, "", path); return path }
function base(to) { return to ~ /^engine\/base\/[^\/]*$/ }
function public(to) { return to == "engine/engine.h" || base(to) }
function allowed(from, to) {
	if (from == "engine/base") return base(to)
	if (from == "engine") return to ~ /^engine\/[^\/]*$/ || base(to)
	if (from == "eval") return to ~ /^eval\// || public(to)
	if (from == "eraser") return to ~ /^(eval|eraser)\// || public(to)
	if (from == "reports") return to ~ /^reports\// || to ~ /^eval\/(store|store_facts|store_rationale|facts|rationale|compare|pareto|stats|texts)\.h$/ || base(to)
	return public(to)
}
function foreign(from, to) {
	if (from == "engine/base") return to ~ /^(cblas|utf8proc|zlib|hdf5|sqlite3)\.h$/
	return from != "eval" && to == "sqlite3.h"
}
/^[ \t]*#[ \t]*include[ \t]*["<]/ {
	split($0, part, /["<>]/)
	from = folder(FILENAME)
	to = part[2]
	if ($0 ~ /"/) {
		to = tidy(from "/" to)
		bad = !allowed(from, to)
	} else {
		bad = foreign(from, to)
	}
	if (bad) {
		print "failed: " FILENAME ":" FNR " must not include " to
		failed = 1
	}
}
END { print (failed ? "0 passed, 1 failed" : "1 passed, 0 failed") ", 0 skipped"; exit failed }'
