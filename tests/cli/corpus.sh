# A corpus holds training texts only: no dev or test text of any data set there, none in another spelling, no quotation,
# no document twice. The counts say why the others are not in it.
mkdir -p data/glue/SST-2 data/glue/RTE data/imdb/aclImdb/train/pos data/imdb/aclImdb/train/neg
printf "sentence\tlabel\nit 's a charming journey \t1\ncharming\t1\nbad \t0\ncharming \t1\n" >data/glue/SST-2/train.tsv
printf "sentence\tlabel\nBad!\t0\n" >data/glue/SST-2/dev.tsv
printf "index\tsentence1\tsentence2\tlabel\n0\tOne two three four five six seven eight.\tNo.\tentailment\n" >data/glue/RTE/dev.tsv
printf "index\tsentence\n0\tnever seen\n" >data/glue/SST-2/test.tsv
for i in 1 2 3 4; do
	printf 'Review %s was<br /><br />fine\n' $i >data/imdb/aclImdb/train/pos/${i}_8.txt
	printf 'Review %s: one, two, three, four, five, six, seven, eight' $i >data/imdb/aclImdb/train/neg/${i}_2.txt
done
"$ADAPLER" corpus --data data --tasks sst2 --out sst2.txt --quiet || exit 1
cat sst2.txt
"$ADAPLER" corpus --data data --out all.txt --quiet | cut -f 1-6 || exit 1
grep -c '^Review . was fine$' all.txt
"$ADAPLER" corpus --data data --tasks imdb --quiet 2>counts.tsv | sort >imdb.txt
grep '^Review' all.txt | sort | cmp - imdb.txt && grep -c imdb counts.tsv
"$ADAPLER" corpus --data data --tasks sst2,rte --quiet --out none.txt 2>&1
echo "status $?"
ls none.txt* 2>/dev/null
"$ADAPLER" corpus --data data --tasks sst2,sst2 2>&1
"$ADAPLER" corpus --data data --tasks sst3 2>&1
"$ADAPLER" corpus --data data/glue/RTE 2>&1 | sed 's/in .*/in .../'
"$ADAPLER" corpus 2>&1
echo "status $?"
