# Runs of a database of version 2, listed, shown and exported; what is not there is refused.
command -v sqlite3 >/dev/null || { echo 'sqlite3 is not installed' >&2; exit 77; }
sqlite3 runs.db <"$PROJECT/tests/golden/store_v2.sql" >/dev/null || exit 1
adapler() { "$ADAPLER" "$@" 2>&1; echo "status $?"; }

adapler ls --db runs.db --format table
adapler ls --db runs.db
adapler ls --db runs.db --task sst2 --policy 'random*' --json
adapler ls --db runs.db --kind eval --sort flops_speedup --reverse --format csv
adapler ls --db runs.db --model 'runs/d*' --split dev | cut -f 1,6
adapler show --db runs.db 2
adapler show --db runs.db fafac
adapler show --db runs.db c0ffee --json
for what in runs metrics examples tokens timing cost; do
	echo "-- $what"
	adapler export --db runs.db --run 2 --what $what
done
adapler export --db runs.db --what examples --json
adapler export --db runs.db --run 2 --what tokens --format csv --out tokens.csv
cat tokens.csv
echo '-- refused'
adapler ls --db runs.db --sort scoer | sed 's/(known.*/(known ...)/'
adapler ls --db nowhere.db
adapler ls
adapler show --db runs.db 9
adapler show --db runs.db fafa
adapler show --db runs.db
adapler export --db runs.db --run 3 --what cost
adapler export --db runs.db --run 2,dodo --out runs.tsv
adapler export --db runs.db --run 2 --out nowhere/x.tsv
echo text that is long enough to be no header of a database >text.db
adapler export --db text.db
ls | grep tsv
true
