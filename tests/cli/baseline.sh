# Baselines learn from train and are scored on dev or test, by the metrics of the task.
mkdir -p SST-2
{
	printf 'sentence\tlabel\n'
	for i in 1 2 3 4 5 6; do printf 'good film %s\t1\nbad film %s\t0\nso good\t1\n' $i $i; done
} >SST-2/train.tsv
printf 'sentence\tlabel\na good film\t1\na bad film\t0\nbad , bad , bad\t0\n' >SST-2/dev.tsv
printf 'index\tsentence\n0\tgood\n' >SST-2/test.tsv
"$ADAPLER" baseline --task sst2 --data SST-2 --quiet || exit 1
"$ADAPLER" baseline --task sst2 --data . --quiet --json | sed 's/"iterations":[0-9]*/"iterations":N/'
printf 'body,stars\ngreat,5\npoor,1\nfair,3\n' >train.csv
printf 'body,stars\npoor,2\ngreat,4\n' >dev.csv
"$ADAPLER" baseline --task file::text=body,value=stars,train=train.csv,dev=dev.csv --least 1 --quiet
"$ADAPLER" baseline --task sst2 --data . --split test 2>&1
"$ADAPLER" baseline --task sst2 --data . --split train 2>&1
"$ADAPLER" baseline --task sst2 2>&1
"$ADAPLER" baseline --task rte --data . 2>&1
echo "status $?"
