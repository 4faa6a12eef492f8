#!/bin/sh
# Compares `adapler tokenize` with the npm package `tokenizers`, text by text. Needs node and npm; the package goes to a
# temporary folder. Real text comes from ../shared/data where that is there.
#   scripts/diff_tokenizer.sh [MODEL_DIR]      MODEL_DIR: with a tokenizer.json (default ../shared/weights/bert-base-uncased)
#   ADAPLER=program  TOKENIZERS=folder with node_modules  DATA=unpacked data  SCALE=0.1  SEED=1
set -eu
cd "$(dirname "$0")/.."
shared=${ADAPLER_SHARED:-../shared}
model=${1:-$shared/weights/bert-base-uncased}
adapler=${ADAPLER:-build/adapler}
[ -f "$model/tokenizer.json" ] || { echo "diff_tokenizer.sh: skipped, no tokenizer.json in '$model'" >&2; exit 0; }
[ -x "$adapler" ] || { echo "diff_tokenizer.sh: no program '$adapler'; run make first" >&2; exit 1; }
command -v node >/dev/null && command -v npm >/dev/null || { echo "diff_tokenizer.sh: skipped, node and npm are not installed" >&2; exit 0; }
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
if [ -z "${TOKENIZERS:-}" ]; then
	TOKENIZERS=$temp/npm
	mkdir -p "$TOKENIZERS"
	npm install --silent --prefix "$TOKENIZERS" tokenizers >&2
fi
if [ -z "${DATA:-}" ] && [ -f "$shared/data/unpack.sh" ]; then
	DATA=$temp/data
	sh "$shared/data/unpack.sh" "$DATA"
fi
: >"$temp/lines"
if [ -n "${DATA:-}" ]; then
	find "$DATA" -type f \( -name '*.tsv' -o -name '*.csv' -o -name '*.txt' -o -name '*.jsonl' -o -name '*.json' \) -size -20M |
		sort | tr '\n' '\0' | xargs -0 awk 'length($0) < 20000' >"$temp/lines"
else
	echo "diff_tokenizer.sh: no real text, only generated" >&2
fi
NODE_PATH=$TOKENIZERS/node_modules node --max-old-space-size=6000 scripts/diff_tokenizer.cjs "$adapler" "$model" "$temp" "$temp/lines"
