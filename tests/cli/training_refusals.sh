# What the training commands refuse, before they have done any work.
. "$PROJECT/tests/small_task.sh"
small_task 40 || exit 1
say() { "$ADAPLER" "$@" 2>&1 >/dev/null </dev/null | grep '^adapler: '; }
finetune() { say finetune --quiet --model fresh --out out $on_task "$@"; }
pretrain() { say pretrain --quiet --model fresh --out out "$@"; }
adapt() { say adapt --quiet --model fresh --out out $on_task "$@"; }
# own FILES...: fine-tunes on a task of these.
own() { say finetune --quiet --model fresh --out out --data . --task "file::$1"; }

say finetune
say finetune --model fresh --out out
say finetune --model fresh --out out --task sst2
say finetune --model nowhere --out out $on_task
say finetune --model . --out out $on_task
say finetune --model fresh --out fresh $on_task
say finetune --model fresh --out out --task sst3 --data .
say finetune --model fresh --out out --task sst2 --data .
finetune extra
finetune --epochs 0
finetune --epochs -1
finetune --lr 0
finetune --lr -1e-3
finetune --lr nan
finetune --batch 0
finetune --dropout -0.1
finetune --dropout 1
finetune --checkpoint-minutes -1
finetune --max-length 3
finetune --max-length 21
finetune --threads 0
finetune --memory 0
finetune --limit -3
finetune --kernels none
finetune --class-weights 1/2/3
finetune --class-weights 1/-2
finetune --class-weights even
finetune --seed -1

echo '-- data'
printf 'text\tlabel\na good one\t\na bad one\tneg\na bad one\tpos\n' >some.tsv
own train=train.tsv,dev=missing.tsv,label=label
own train=some.tsv,dev=dev.tsv
own train=train.tsv,dev=some.tsv
own 'train=train.tsv,dev=dev.tsv,label=label,labels=neg|pos|other'
own 'train=train.tsv,dev=dev.tsv,label=label,labels=neg|other'
own train=train.tsv,dev=dev.tsv,label=stars
own train=train.tsv,dev=dev.tsv,value=label
printf 'text\tlabel\n' >none.tsv
own train=train.tsv,dev=none.tsv,label=label
say finetune --quiet --model fresh --out out --task file:dev.tsv:label=label --data .
printf 'text\tstars\nbad\t1\ngood\t5\nfair\t3\n' >stars.tsv
say finetune --quiet --model fresh --out out --data . --task file::train=stars.tsv,dev=stars.tsv,value=stars --class-weights balanced

echo '-- pretrain'
pretrain
pretrain --text nowhere.txt
: >empty.txt
pretrain empty.txt
pretrain plain.txt --held-out 1
pretrain plain.txt --held-out -0.5
pretrain plain.txt --batch-tokens 4
pretrain plain.txt --max-length 100

echo '-- saliency'
"$ADAPLER" finetune --quiet --model fresh --out ft $on_task --epochs 1 >/dev/null
"$ADAPLER" saliency --quiet --model ft $on_task --out words.saliency
say saliency --model ft $on_task
say saliency --model ft,,ft $on_task --out x.saliency
say saliency --model ft, $on_task --out x.saliency
say saliency --model ft $on_task --split tset --out x.saliency
say saliency --model ft $on_task --max-length 100 --out x.saliency
say saliency --model ft $on_task --out nowhere/x.saliency
say saliency --model ft --task 'file::train=train.tsv,dev=dev.tsv,label=label,labels=pos|neg' --data . --out x.saliency
say saliency --model ft --task 'file::train=train.tsv,dev=dev.tsv,label=label,labels=pos|neg|other' --data . --out x.saliency
cp -r ft other
sed 's/^good$/goods/' ft/vocab.txt >other/vocab.txt
say saliency --model ft,other $on_task --out x.saliency

echo '-- adapt'
adapt
adapt --saliency nowhere.saliency
adapt --saliency train.tsv
adapt --saliency words.saliency --max-length 10
adapt --saliency words.saliency --limit 20
printf x | cat words.saliency - >longer.saliency
adapt --saliency longer.saliency
adapt --saliency words.saliency --gamma -1
adapt --saliency words.saliency --phi inf
adapt --saliency words.saliency --lambda 0
adapt --saliency words.saliency --lambda-factor -2
say adapt --quiet --model fresh --out out --saliency words.saliency --data . \
	--task file::train=dev.tsv,dev=train.tsv,label=label
cp train.tsv before.tsv
sed '2s/good/bad/; 2s/bad/good/' before.tsv >train.tsv
adapt --saliency words.saliency
cp before.tsv train.tsv
cp dev.tsv before.tsv
sed '2s/^/the /' before.tsv >dev.tsv
adapt --saliency words.saliency
cp before.tsv dev.tsv
cp -r fresh swapped
sed 's/^good$/x/; s/^bad$/good/; s/^x$/bad/' fresh/vocab.txt >swapped/vocab.txt
say adapt --quiet --model swapped --out out $on_task --saliency words.saliency

echo '-- folders'
find . -name out -o -name x.saliency
touch file
say finetune --quiet --model fresh --out file $on_task
say finetune --quiet --model fresh --out seeds $on_task --seed 9223372036854775808
say finetune --quiet --model fresh --out nodb $on_task --db nowhere/run.db
say finetune --quiet --model fresh --out file/below $on_task
say adapt --quiet --model ft/epoch-1 --out ft $on_task --saliency words.saliency --force
