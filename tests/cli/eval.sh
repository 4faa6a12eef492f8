# A classifier is judged dense and pruned; what cannot be is refused before anything is run.
. "$PROJECT/tests/small_task.sh"
small_task 100 || exit 1
"$ADAPLER" finetune --model fresh $on_task --lr 1e-2 --batch 10 --epochs 8 --out ft --quiet >/dev/null
judge() { "$ADAPLER" eval --quiet "$@" 2>&1 || echo "status $?"; }

# What is measured, and what the kernels of this processor make of it, is left out.
judge --model ft $on_task --policy attention:top=8/4 --runs 3 --threads 1 |
	sed 's/"metrics":.*/"metrics":.../; s/\("key\|"[a-z_]*s\(econds\|core\|peedup\|econds_[a-z]*\|core_[a-z]*\|peedup_[a-z]*\)\|"loss\|"kept\)":[^,}]*\(,0[^,}]*\)*/\1":X/g'
judge --model ft $on_task --policy attention:top=8/4 --runs 0 --threads 1 | grep -o '"[a-z/_0-9-]*":\[' | tr -d '":['
# A task's name may be anything.
cp dev.tsv 'the "dev".tsv'
judge --model ft --task 'file:the "dev".tsv:label=label' --data . | grep -o '"task":.*"split"'

echo '-- refused'
judge --model ft
judge --model nowhere $on_task --policy adaptler | sed "s|(known.*|(known ...)|"
judge --model ft $on_task --max-length 100
judge --model ft $on_task --split tset
judge --model nowhere $on_task
judge --model fresh --task 'file::train=train.tsv,dev=dev.tsv,label=label,labels=pos|neg|other' --data .
