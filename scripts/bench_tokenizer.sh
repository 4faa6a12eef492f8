#!/bin/sh
# Measures tokenizer_encode against the npm package `tokenizers`, alternately in one run, on one thread and two.
#   scripts/bench_tokenizer.sh [FILE...]       texts, one a line (default: movie reviews and news from ../shared/data)
#   MODEL=dir with tokenizer.json  TOKENIZERS=folder with node_modules  DATA=unpacked data  TURNS=5  ROUNDS=5
# A line: text, threads, MB/s ours (least and most over the turns), MB/s of the package, how many times faster (medians).
set -eu
cd "$(dirname "$0")/.."
shared=${ADAPLER_SHARED:-../shared}
model=${MODEL:-$shared/weights/bert-base-uncased}
turns=${TURNS:-5} rounds=${ROUNDS:-5}
[ -f "$model/tokenizer.json" ] || { echo "bench_tokenizer.sh: skipped, no tokenizer.json in '$model'" >&2; exit 0; }
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
# The library hides what the benchmark uses of engine/base, so the sources are compiled in, with the release's flags.
${CC:-cc} -O3 -std=c11 -D_GNU_SOURCE -pthread -fPIC -fno-semantic-interposition -I. scripts/bench_tokenizer.c engine/tokenizer.c engine/tokenizer_open.c \
	engine/vocab.c engine/unicode.c engine/unicode_tables.c engine/base/err.c engine/base/file.c engine/base/json.c \
	engine/base/clock.c engine/base/pool.c -lcjson -lm -o "$temp/bench"

if [ $# -eq 0 ] && [ -f "$shared/data/unpack.sh" ]; then
	DATA=${DATA:-$temp/data}
	[ -d "$DATA/movies" ] && [ -d "$DATA/agnews" ] || sh "$shared/data/unpack.sh" "$DATA" movies agnews
	find "$DATA/movies/docs" -type f | sort | tr '\n' '\0' | xargs -0 cat >"$temp/movies"
	cat "$DATA"/agnews/train_partial.csv >"$temp/agnews"
	set -- "$temp/movies" "$temp/agnews"
fi
[ $# -gt 0 ] || { echo "bench_tokenizer.sh: skipped, no text to read" >&2; exit 0; }

has_peer=yes
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
	has_peer=
	echo "bench_tokenizer.sh: without the package tokenizers, node and npm are not installed" >&2
elif [ -d "${PEER_MODULES:-build/peers}/node_modules/tokenizers" ] && [ -z "${TOKENIZERS:-}" ]; then
	TOKENIZERS=${PEER_MODULES:-build/peers}
elif [ -z "${TOKENIZERS:-}" ]; then
	TOKENIZERS=$temp/npm
	mkdir -p "$TOKENIZERS"
	npm install --silent --prefix "$TOKENIZERS" tokenizers >&2 || has_peer=
fi
peer() { NODE_PATH=$TOKENIZERS/node_modules RAYON_NUM_THREADS=$2 node scripts/bench_tokenizer.cjs "$model" "$1" "$rounds"; }
# The median, least and most MB/s of times in ms, one a line, for a file of $1 bytes.
rates() { awk -v bytes="$1" '{ print bytes / 1000 / $1 }' | sort -n | awk '{ r[NR] = $1 } END { print r[int((NR + 1) / 2)], r[1], r[NR] }'; }

printf '%-12s %7s %9s %19s %9s %19s %6s\n' text threads 'ours MB/s' '(least-most)' 'npm MB/s' '(least-most)' times
for file; do
	bytes=$(wc -c <"$file")
	for threads in 1 2; do
		: >"$temp/ours"
		: >"$temp/peer"
		i=0
		while [ "$i" -lt "$turns" ]; do
			"$temp/bench" "$model" "$file" "$threads" "$rounds" >>"$temp/ours"
			[ -z "$has_peer" ] || peer "$file" "$threads" >>"$temp/peer"
			i=$((i + 1))
		done
		ours=$(cut -d' ' -f3 "$temp/ours" | sort -u) theirs=$(cut -d' ' -f3 "$temp/peer" | sort -u)
		[ -z "$has_peer" ] || [ "$ours" = "$theirs" ] || echo "bench_tokenizer.sh: $ours pieces are not $theirs pieces" >&2
		{ rates "$bytes" <"$temp/ours"; [ -z "$has_peer" ] || rates "$bytes" <"$temp/peer"; } |
			tr '\n' ' ' | awk -v name="$(basename "$file")" -v threads="$threads" '{
				printf "%-12s %7d %9.1f %19s", name, threads, $1, sprintf("(%.1f-%.1f)", $2, $3)
				if (NF > 3) printf " %9.2f %19s %6.1f", $4, sprintf("(%.2f-%.2f)", $5, $6), $1 / $4
				print "" }'
	done
done
