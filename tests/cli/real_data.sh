# The real data sets, as far as they lie beside the project: all rows are read (the counts are the published ones), and
# nothing of a dev or test split gets into the corpus, as another program finds that only knows letters and digits.
[ -e "$SHARED/data/glue.tar.xz" ] || { echo "no $SHARED/data/glue.tar.xz" >&2; exit 77; }
for name in glue hatexplain; do
	tar -xJf "$SHARED/data/$name.tar.xz" --exclude='*/eraser/*' 2>/dev/null || { echo "cannot unpack $name" >&2; exit 77; }
done
"$ADAPLER" corpus --data . --out corpus.txt --quiet >counts.tsv || exit 1
awk -F '\t' '$1 != "task" && $1 != "total" { print $1, $2 + $3 + $4 + $5 + $6 }' counts.tsv
wc -l <corpus.txt | awk -v kept="$(tail -n 1 counts.tsv | cut -f 2)" '{ print ($1 == kept ? "kept are written" : "lost") }'
letters()
{
	LC_ALL=C tr A-Z a-z | LC_ALL=C tr -cd 'a-z0-9\n' | LC_ALL=C sort -u | grep -v '^$'
}
{
	for file in glue/SST-2/dev.tsv glue/SST-2/test-labeled.tsv; do tail -n +2 $file | cut -f 1; done
	cut -f 4 glue/CoLA/dev.tsv
	tail -n +2 glue/CoLA/test.tsv | cut -f 2
	for file in glue/MRPC/dev.tsv glue/MRPC/test.tsv; do tail -n +2 $file | cut -f 4,5 | tr '\t' '\n'; done
	for file in glue/STS-B/dev.tsv glue/STS-B/test.tsv; do tail -n +2 $file | cut -f 8,9 | tr '\t' '\n'; done
	for file in glue/QNLI/*.tsv glue/RTE/dev.tsv glue/RTE/test.tsv; do tail -n +2 $file | cut -f 2,3 | tr '\t' '\n'; done
	sed 's/"\], *\[/\n/g; s/", "[a-z]*//g' hatexplain/three_class/val.json hatexplain/three_class/test.json
} | letters >held_out
letters <corpus.txt >kept
[ "$(wc -l <held_out)" -gt 20000 ] && [ "$(wc -l <kept)" -gt 90000 ] && echo 'both are long'
LC_ALL=C comm -12 held_out kept | head -n 5
