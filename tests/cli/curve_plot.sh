# Pictures of every kind, also of a run whose texts try to be commands; gnuplot has nothing to say.
for tool in sqlite3 gnuplot; do
	command -v $tool >/dev/null || { echo "$tool is not installed" >&2; exit 77; }
done
sqlite3 runs.db <"$PROJECT/tests/golden/store_v1.sql" >/dev/null || exit 1
sqlite3 runs.db "INSERT INTO curve VALUES (2, 5, 'it''s \`touch owned\`', 1), (2, 6, 'nothing', NULL)"
for file in a.png a.svg a.pdf; do
	"$ADAPLER" curve --db runs.db --run 3 --plot $file --quiet 2>&1 || echo "status $?"
done
head -c 4 a.png | tail -c 3 && echo
head -c 4 a.pdf && echo
grep -o '</svg>' a.svg
for text in 'pretrain, seed 0 (unfinished)' learning_rate masked_accuracy dev/loss step; do
	grep -qF ">$text<" a.svg || echo "the picture does not say '$text'"
done
"$ADAPLER" curve --db runs.db --run 2 --plot b.svg 2>&1
"$ADAPLER" curve --db runs.db --run 2 --name nothing --plot c.svg 2>&1
"$ADAPLER" curve --db runs.db --run 1 --plot no/such/folder/c.svg 2>&1
ls | grep -v runs.db
