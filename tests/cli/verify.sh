# Every stored metric follows from the stored facts; whatever is changed in either is found.
. "$PROJECT/tests/small_task.sh"
small_task 60 || exit 1
command -v sqlite3 >/dev/null || { echo 'sqlite3 is not installed' >&2; exit 77; }
"$ADAPLER" finetune --model fresh $on_task --lr 1e-2 --batch 10 --epochs 1 --out ft --quiet >/dev/null
for policy in none attention:keep=0.5 random:keep=0.5; do
	"$ADAPLER" eval --model ft $on_task --policy $policy --runs 3 --threads 1 --batch 8 --token-scores --db good.db --quiet >/dev/null
done
"$ADAPLER" verify --db good.db 2>&1 | sed 's/metrics: [0-9]*/metrics: N/'

# change SQL: the first of what verify says of it, but for numbers that are measured.
change()
{
	cp good.db bad.db
	rm -f bad.db-wal bad.db-shm
	sqlite3 bad.db "$1" || exit 1
	echo "-- $1"
	"$ADAPLER" verify --db bad.db --quiet 2>errors | sed '1d; s/\t[0-9.]*\t[0-9.]*\tdiffers/\tX\tY\tdiffers/; s/[0-9]\.[0-9]\{6,\}/X/; s/cost [0-9]* FLOPs/cost X FLOPs/; s/is [0-9]*$/is Y/' | head -n 3
	sed 's/: [0-9]* numbers/: N numbers/' errors
}
change "UPDATE metric SET value = value + 0.001 WHERE run = 2 AND name = 'accuracy'"
change "UPDATE metric SET hi = NULL WHERE run = 2 AND name = 'accuracy'"
change "DELETE FROM metric WHERE run = 2 AND name = 'loss'"
change "INSERT INTO metric VALUES (2, 'charm', 1, NULL, NULL)"
change "UPDATE example SET pred = 1 - pred WHERE run = 1 AND idx = 5"
change "UPDATE example SET gold = 1 - gold WHERE run = 1 AND idx = 5"
change "UPDATE example SET flops = flops + 1 WHERE run = 3 AND idx = 5"
change "UPDATE example SET dense_flops = dense_flops + 1 WHERE run = 3 AND idx = 5"
change "UPDATE example SET rows = '[1,1]' WHERE run = 2 AND idx = 5"
change "UPDATE example SET rows = '[1,' WHERE run = 2 AND idx = 5"
change "UPDATE example SET logits = '[1,2,3]' WHERE run = 2 AND idx = 5"
change "UPDATE trace SET tokens = '[[2,1]]' WHERE run = 3 AND idx = 5"
change "DELETE FROM trace WHERE run = 3 AND idx = 5"
change "DELETE FROM trace WHERE run = 3"
change "DELETE FROM example WHERE run = 1 AND idx = 39"
change "UPDATE timing SET ns = 2 * ns WHERE run = 2 AND arm = 'policy'"
change "DELETE FROM timing WHERE run = 2 AND batch = 2 AND turn = 1"
change "UPDATE run SET args = '{}' WHERE id = 2"
change "UPDATE run SET policy = 'random:keep=0.6' WHERE id = 2"
cp good.db bad.db
sqlite3 bad.db "UPDATE metric SET value = 0 WHERE run = 1 AND name = 'loss'"
"$ADAPLER" verify --db bad.db --json >/dev/null 2>&1
echo "status $?"
"$ADAPLER" verify --db bad.db --run 2 --quiet
echo "status $?"
"$ADAPLER" verify --db nowhere.db 2>&1
"$ADAPLER" verify 2>&1 || true
