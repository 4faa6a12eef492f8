# A classifier is judged dense and pruned; what cannot be is refused before anything is run.
. "$PROJECT/tests/small_task.sh"
small_task 100 || exit 1
"$ADAPLER" finetune --model fresh $on_task --lr 1e-2 --batch 10 --epochs 8 --out ft --quiet >/dev/null
judge() { "$ADAPLER" eval --quiet "$@" 2>&1 || echo "status $?"; }

judge --model ft $on_task --policy attention:top=8/4 --runs 3 --threads 1 |
	sed 's/\("[a-z_]*s\(econds\|core\|peedup\|econds_[a-z]*\)":\|"loss":\|"kept":\)[^,}]*\(,0[^,}]*\)*/\1X/g'
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
