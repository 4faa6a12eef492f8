# Predicting in the three formats gives the same; bad lines and bad wishes are named; results before a bad line stand.
"$ADAPLER" init --config "$PROJECT/data/tiny/config.json" --vocab "$PROJECT/data/tiny/vocab.txt" --seed 1 --out tiny --quiet
predict() { predict_on 2 "$@"; }
# predict_on THREADS OPTIONS...
predict_on()
{
	threads=$1
	shift
	"$ADAPLER" predict --model tiny --policy adapler:eta=1 --threads $threads "$@"
}
round() { sed -E 's/([0-9]+\.[0-9]{4})[0-9]+/\1/g'; }
printf 'a witty movie\tbut too long\n\nit never ends !\n' >lines
predict lines | round
printf '{"text": "a witty movie", "text_pair": "but too long"}\n{"text": ""}\n{"text": "it never ends !"}\n' >jsonl
predict --format jsonl jsonl | round >out.jsonl
predict lines | round | cmp - out.jsonl && echo 'jsonl is the same'
"$ADAPLER" tokenize --model tiny lines | sed -E 's/,"tokens".*/}/' | predict --format ids --batch 2 | round | cmp - out.jsonl &&
	echo 'ids are the same'
predict_on 1 --batch 1 lines | cmp - out.full 2>/dev/null
predict lines >out.full
predict_on 1 --batch 1 lines | cmp - out.full && echo 'alone is the same to the last digit'
predict --text 'it never ends !' | cmp -s - out.full || predict --text 'it never ends !' | grep -cF -f - out.full
echo "$(head -n 1 lines | predict --trace | grep -o '"scores":.*' | tr -cd '[' | wc -c) lists of scores"

printf '{"ids":[2,3],"counts":[2,2,1,1]}\n' | "$ADAPLER" predict --model tiny --format ids --policy adapler:replay | grep -o '"died_at":[^}]*]'
printf '{"ids":[2,9,10,3],"scores":[0,1,2,0]}\n' | "$ADAPLER" predict --model tiny --format ids --policy saliency:top=2 | grep -o '"died_at":[^}]*]'

printf 'good\n' >good
for bad in '{"text": 1}' '{"txt": "a"}' '["a"]' '{"text": "a"' '{"text": "\u0000"}' '{"text": "a", "scores": [1]}' \
	'{"text": "a", "counts": [1,2]}' '{"text": "a", "scores": [0,"x"]}'; do
	printf '{"text": "good"}\n%s\n' "$bad" | predict --format jsonl 2>&1 >results
	echo "status $?, $(wc -l <results) result"
done
for bad in '{"ids":[]}' '{"ids":[1.5]}' '{"ids":[2,3000,3]}' '{"ids":[2,3],"type_ids":[0]}' '{"ids":[2,3],"type_ids":[0,7]}'; do
	printf '%s\n' "$bad" | predict --format ids 2>&1
	echo "status $?"
done
yes good | head -n 300 | tr '\n' ' ' >long
predict long 2>&1 >/dev/null
for wish in '--policy saliency' '--policy adapter' '--precision int9' '--kernels mmx' '--batch 0' 'none there'; do
	# shellcheck disable=SC2086
	"$ADAPLER" predict --model tiny $wish good 2>&1 | sed -E 's/\((known).*/(\1 ...)/'
done
"$ADAPLER" predict --model nowhere good 2>&1
echo "status $?"
predict nothing-there 2>&1
echo "status $?"
[ -e /dev/full ] || exit 0
predict lines 2>&1 >/dev/full
echo "status $?"
