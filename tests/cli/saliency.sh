# Models are averaged alike, whatever the size of their gradients; and one whose dev score is undefined (it predicts one
# class only, Matthews' correlation is 0/0) does not hide the score of another.
. "$PROJECT/tests/small_task.sh"
small_task 200 || exit 1
mkdir CoLA
for split in train dev; do
	tail -n +2 $split.tsv | awk -F '\t' '{ print "x\t" ($2 == "pos") "\t\t" $1 }' >CoLA/$split.tsv
done
on_task='--task cola --data CoLA'
finetune() { "$ADAPLER" finetune --model fresh $on_task --batch 16 --quiet "$@" >/dev/null; }
finetune --out good --lr 5e-3 --epochs 6
finetune --out constant --lr 1e-2 --epochs 2 --class-weights 1/1e6

for models in good constant good,constant constant,good; do
	"$ADAPLER" saliency --model $models $on_task --out $models.saliency --quiet
	sed -n '2{s/.*"dev_score":\([^,]*\),.*/'$models' \1/; s/[0-9.][0-9.]*$/a number/; p; q}' $models.saliency
	tail -n +3 $models.saliency | od -An -v -t u2 -w2 >$models.values
done
cmp good,constant.values constant,good.values
# The lengths of the texts, then their tokens; the largest of each text is 65535.
paste good.values constant.values good,constant.values | awk '
	NR <= 200 { n[NR] = $1; next }
	{
		if (at == 0) { text++; good = constant = largest = 0 }
		good += g[++at] = $1; constant += c[at] = $2; both[at] = $3
		if (at < n[text]) next
		for (i = 1; i <= at; i++) { mean[i] = g[i] / good + c[i] / constant; if (mean[i] > largest) largest = mean[i] }
		for (i = 1; i <= at; i++) {
			off = both[i] - 65535 * mean[i] / largest
			if (off * off > 9) wrong++
			if ((g[i] - c[i]) ^ 2 > 1e6) apart++
		}
		at = 0
	}
	END { print text " texts, " wrong + 0 " tokens wrong" (apart > 200 ? "; the models differ" : "") }'
