# A regression is learnt from values, and classes by the weights that they are given.
. "$PROJECT/tests/small_task.sh"
small_task || exit 1
finetune() { "$ADAPLER" finetune --model fresh --data . --batch 10 --lr 1e-2 --quiet "$@"; }

# What a text is worth: 3 and 1 by its word that counts, and 0.1 for each other word.
for split in train dev; do
	awk -F '\t' -v OFS='\t' 'NR == 1 { print "text", "stars"; next } { print $1, ($2 == "pos" ? 3 : 1) + 0.1 * (split($1, words, " ") - 1) }' \
		$split.tsv >stars-$split.tsv
done
finetune --task file::train=stars-train.tsv,dev=stars-dev.tsv,value=stars --epochs 8 --dropout 0 --out stars |
	awk -F '[:,]' '{ print $1 ":" $2, $5, ($6 > 0.9 && $6 <= 1 ? "above 0.9" : $6) }'
"$ADAPLER" inspect stars | grep -i label
printf 'the good film\nthe bad film\n' | "$ADAPLER" predict --model stars |
	awk -F '[][]' '{ print ($2 - (NR == 1 ? 3.2 : 1.2)) ^ 2 < 0.25 ? "about right" : $2 }'

# The same text, three times as often of one class: the best guess is the share that the weights make.
awk 'BEGIN { print "text\tlabel"; for (i = 0; i < 2000; i++) print "the film\t" (i % 4 ? "neg" : "pos") }' >same.tsv
for weights in 1/1 1/9 balanced; do
	out=$(echo $weights | tr / -)
	finetune --task file::train=same.tsv,dev=same.tsv,label=label --epochs 1 --dropout 0 --class-weights $weights --out $out >/dev/null
	echo 'the film' | "$ADAPLER" predict --model $out |
		awk -v weights=$weights '
			function quarters(p) { return int(4 * p + 0.5) "/4" }
			{ sub(/.*"probs":\[/, ""); split($0, p, /[],]/); print weights ": neg " quarters(p[1]) ", pos " quarters(p[2]) }'
done
