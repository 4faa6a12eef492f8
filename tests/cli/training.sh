# The whole way: a vocabulary, a model, pretraining, fine-tuning, saliency, AdapLeR; the classifier learns the rule, and
# keeps the word that decides. Losses depend on the processor in their last digits, so only what does not is shown.
. "$PROJECT/tests/small_task.sh"
small_task || exit 1
learn="--lr 5e-3 --batch 16 --epochs 6"
rounded() { sed 's/0\.9[0-9]*\([,}]\)/1\1/; s/"best_epoch":[0-9]*/"best_epoch":N/; s/\(loss\|speedup\)":[0-9][0-9.]*/\1":X/'; }

"$ADAPLER" pretrain --model fresh --out pt --epochs 2 --batch-tokens 500 --lr 1e-2 --held-out 0.1 plain.txt 2>/dev/null | rounded
# The same with --text, and with nothing to judge by: the last epoch's model.
"$ADAPLER" pretrain --model fresh --text plain.txt --out pt0 --epochs 2 --batch-tokens 500 --held-out 0 2>/dev/null | rounded
"$ADAPLER" finetune --model pt $on_task $learn --out ft 2>/dev/null | rounded
ls ft | sed 's/epoch-[1-6]$/epoch-N/'
models=$(ls -d ft/epoch-* | paste -s -d ,)
"$ADAPLER" saliency --model "$models" $on_task --out words.saliency 2>&1 >/dev/null | tail -n 1
sed -n '1p; 2{s/^.*"task"/"task"/; s/[0-9a-f]\{64\}/HASH/g; p; q}' words.saliency | rounded
"$ADAPLER" adapt --model pt --saliency words.saliency $on_task $learn --gamma 0.1 --phi 0.01 --speed-lr 1e-2 --out ad --quiet | rounded
echo 'the slow story music good actor' | "$ADAPLER" predict --model ad --policy adapler --show | grep -cE 'layer 0 .*good|pos [6-9]'
for run in pt ft ad; do
	"$ADAPLER" curve --db $run/run.db | cut -f 3-7,11 | tail -n 1
	"$ADAPLER" curve --db $run/run.db --json | rounded | sed 's/.*"args"://; s/6\.3095[0-9]*/6.3095/'
	"$ADAPLER" curve --db $run/run.db --run 1 | head -n 1
done

# A run that has ended says so, and what came of it, again.
"$ADAPLER" finetune --model pt $on_task $learn --out ft 2>&1 | grep -c 'it had ended before'
"$ADAPLER" finetune --model pt $on_task $learn --out ft --quiet | rounded
# bf16 models are half as large, and are what the f32 ones are.
"$ADAPLER" finetune --model pt $on_task $learn --out half --bf16 --quiet | rounded
[ $(($(wc -c <half/model.safetensors) * 10)) -lt $(($(wc -c <ft/model.safetensors) * 7)) ] && echo smaller
# The weights that a run began with are noted with it; the same text in other pieces is another run.
"$ADAPLER" curve --db ft/run.db --json | grep -c "\"model_sha\":\"$(sha256sum <pt/model.safetensors | cut -c 1-64)\""
cp -r fresh swapped
sed 's/^good$/x/; s/^bad$/good/; s/^x$/bad/' fresh/vocab.txt >swapped/vocab.txt
"$ADAPLER" pretrain --model swapped --out pt --epochs 2 --batch-tokens 500 --lr 1e-2 --held-out 0.1 plain.txt 2>&1 | grep -c 'other settings, data or weights'
# Every measure of an AdapLeR run fits into one picture.
if command -v gnuplot >/dev/null; then
	"$ADAPLER" curve --db ad/run.db --run 1 --plot ad.svg --quiet && grep -c '</svg>' ad.svg
else
	echo 1
fi
