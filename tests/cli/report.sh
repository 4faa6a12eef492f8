# From a small store to a report: the same bytes twice, numbers as the other commands have them, and what is refused.
. "$PROJECT/tests/small_eraser.sh"
small_eraser 60 12 || exit 1
for tool in sqlite3 gnuplot; do
	command -v $tool >/dev/null || { echo "$tool is not installed" >&2; exit 77; }
done
cat >fields.awk <<'END'
# CSV with quotes: -v name=COLUMN, the column's field of every row of ours.
{
	n = 0; line = $0
	while (line != "") {
		if (substr(line, 1, 1) == "\"") { match(line, /^"([^"]|"")*"/); f[++n] = substr(line, 2, RLENGTH - 2); line = substr(line, RLENGTH + 2) }
		else { at = index(line, ","); if (!at) at = length(line) + 1; f[++n] = substr(line, 1, at - 1); line = substr(line, at + 1) }
	}
	if (NR == 1) { for (i = 1; i <= n; i++) if (f[i] == name) column = i }
	else if (f[2] != "published") print f[column]
}
END
field() { awk -v name="$2" -f fields.awk "$1"; }

"$ADAPLER" windows --model fresh --data er --out w --quiet >/dev/null
on_task="--task movies --data w"
on="--lr 1e-2 --batch 20 --quiet --threads 1"
"$ADAPLER" finetune --model fresh $on_task $on --epochs 4 --out ft --seed 1 >/dev/null
"$ADAPLER" saliency --model ft $on_task --out sal --quiet
"$ADAPLER" adapt --model fresh --saliency sal $on_task $on --gamma 0.1 --phi 0.05 --speed-lr 0.1 --epochs 4 --out phi-0.05 >/dev/null
cat >sweep.json <<END
{"task": "movies", "data": "w", "split": "test", "threads": 1, "batch": [1, 32], "runs": 2, "grids": [
 {"model": "ft", "policy": ["none", "attention:keep=0.4|0.7"]}, {"model": "phi-0.05", "policy": "adapler:scale=0.8|1"},
 {"model": "ft", "policy": "random:replay", "counts": "adapler", "counts_model": "phi-0.05"}]}
END
"$ADAPLER" sweep sweep.json --db r.db --quiet >/dev/null
"$ADAPLER" rationale --model phi-0.05 --dense ft --data er --db r.db --threads 1 --steps 2 --quiet >/dev/null 2>&1
for run in ft phi-0.05; do "$ADAPLER" merge r.db $run/run.db --quiet >/dev/null; done
cat >paper.json <<END
{"source": "a paper", "rows": [{"task": "movies", "method": "X", "quality": 92.3}, {"task": "none", "method": "X", "quality": 92.3}]}
END
report() { "$ADAPLER" report --db r.db --quiet "$@" 2>&1; echo "status $?"; }

echo '-- a report'
"$ADAPLER" report --db r.db --out one --reference paper.json 2>&1
ls one one/tables one/plots one/examples
ls | grep tmp
echo '-- the same bytes'
report --out two/ --reference paper.json
diff -r one two && echo same
sleep 1
report --out two --reference paper.json
diff -r one two && echo 'same again'

echo '-- numbers as ls, compare and pareto have them'
csv=one/tables/quality-and-speed.csv
"$ADAPLER" ls --db r.db --kind eval --json >ls.json
# Quality and FLOPs of each entry are those of its first run.
field $csv runs | cut -d ' ' -f 1 >first
while read -r run; do grep "^{\"id\":$run," ls.json; done <first >of_first
sed 's/.*"score":\([^,]*\),.*/\1/' of_first >expected && field $csv quality >found && cmp expected found && echo quality
sed 's/.*"flops_speedup":\([^,]*\),.*/\1/' of_first >expected && field $csv flops_speedup >found && cmp expected found && echo FLOPs
dense=$(sed -n 1p first)
"$ADAPLER" compare --db r.db "$dense" $(sed 1d first) --json | grep '"measure":"f1-macro"' >compared
sed 's/.*"effect":\([^,]*\),.*/\1/' compared >expected && field $csv difference | sed 1d >found && cmp expected found && echo differences
"$ADAPLER" pareto --db r.db --split test --json >pareto.json 2>/dev/null
grep '"on_frontier":1' pareto.json | sed 's/.*"run":\([0-9]*\),.*/\1/' | sort -n >expected
sed -n 's/.*<tr class="strong">.*/strong/p' one/tables/quality-and-speed.html | wc -l | xargs -I N test N -eq "$(wc -l <expected)" && echo frontier
field one/tables/rationales-er-test.csv fpr_layer_1 | head -n 1 >found
run=$(field one/tables/rationales-er-test.csv run | head -n 1)
sqlite3 r.db "SELECT CASE WHEN abs(value - $(cat found)) < 1e-12 THEN 'false positives' END FROM metric WHERE run = $run AND name = 'fpr/replay/layer-1'"
echo '-- provenance is everywhere'
cd one || exit 1
grep -L 'measured by: adapler' index.html tables/*.md tables/*.tex tables/*.html plots/*.dat plots/*.gp plots/*.svg
grep -c "$(sqlite3 ../r.db 'SELECT model_sha FROM run WHERE kind = "eval" LIMIT 1')" tables/quality-and-speed.csv
grep '\*X\*' tables/quality-and-speed.md
echo '-- no network'
grep -oE '(src|href)="[a-z]+:[^"]{0,12}' index.html | sort -u
grep -c 'http:' index.html
echo '-- all that the page names is there'
grep -oE '(href|src)="[^"#:]+"' index.html | sed 's/.*="//; s/"$//' | sort -u | while read -r file; do [ -e "$file" ] || echo "no $file"; done
grep -o '<figure>' index.html | wc -l
echo '-- a picture is drawn again from its script alone'
cp -r plots again && cd again || exit 1
rm ./*.png && gnuplot ./movies-test-flops.gp && cmp movies-test-flops.png ../plots/movies-test-flops.png && echo drawn
cd ../.. || exit 1
rm -r one/again

echo '-- without gnuplot'
mkdir bin && for tool in sh sed; do ln -s "$(command -v $tool)" bin/; done
PATH=$PWD/bin "$ADAPLER" report --db r.db --out three 2>&1 | sed 's/, figures [0-9]*//'
ls three/plots | sed 's/.*\.//' | sort -u
grep -c 'gnuplot was not installed' three/index.html

echo '-- texts that try to be more'
cp r.db hostile.db
cat >hostile.sql <<'END'
UPDATE run SET task = 'x' || char(10) || 'system("touch owned")' || char(10) || '#' WHERE kind = 'eval';
UPDATE run SET task = '"><script>alert(1)</script>', split = '<img src=x>' WHERE kind = 'rationale';
UPDATE run SET task = '-数据/"''' WHERE kind IN ('finetune', 'adapt');
UPDATE run SET args = json_set(args, '$.family', 'mo"d' || char(10) || 'el') WHERE policy LIKE 'attention%';
END
sqlite3 hostile.db <hostile.sql
"$ADAPLER" report --db hostile.db --out hostile --quiet 2>&1; echo "status $?"
grep -c 'alert(1)<\|<img src=x>' hostile/index.html hostile/tables/*.html
find . -name owned
ls hostile/plots/*.svg | sed 's/.*plots.//'
cat >collide.sql <<'END'
UPDATE run SET task = 'a/b', split = 'test', args = json_set(args, '$.windows', id % 2) WHERE kind = 'rationale';
UPDATE run SET task = 'file:' || (json_extract(args, '$.batch') > 1) || '/b/x.tsv' WHERE kind = 'eval';
END
sqlite3 hostile.db <collide.sql
"$ADAPLER" report --db hostile.db --out hostile --quiet 2>&1; echo "status $?"
ls hostile/plots/*.svg hostile/examples | sed 's/.*plots.//'
sqlite3 hostile.db "UPDATE document SET words = 'one'"
"$ADAPLER" report --db hostile.db --out hostile --quiet 2>&1; echo "status $?"
echo '-- unlike runs under one name'
cp r.db unlike.db
sqlite3 unlike.db "UPDATE run SET model_sha = 'ffff' WHERE id = 2"
"$ADAPLER" report --db unlike.db --out x --quiet 2>&1
cp r.db unlike.db
sqlite3 unlike.db "UPDATE run SET args = json_set(args, '$.limit', 7) WHERE id = 2"
"$ADAPLER" report --db unlike.db --out x --quiet 2>&1
sqlite3 unlike.db "DELETE FROM run WHERE id IN (1, 2); DELETE FROM metric"
"$ADAPLER" report --db unlike.db --out x --quiet && grep -c '[^a-z]nan[^a-z]' x/index.html
rm -rf x
echo '-- places'
report --out one/../one
report --out link_target && ln -s link_target link2
report --out link2/ | tail -n 1
ls link_target | wc -l
touch link_target/notes.md
report --out link_target
rm link_target/notes.md && mkdir link_target/plots/mine
report --out link_target
(cd one && "$ADAPLER" report --db ../r.db --out . --quiet 2>&1 && ls "$PWD")
report --out new/.
report --out ''
ls -d ./*tmp* 2>/dev/null
echo '-- chosen'
report --out x --without 3-5
report --out x --without 999
report --out four --format md,csv --without "$(sqlite3 r.db 'SELECT group_concat(id) FROM run WHERE kind = "rationale"')"
ls four/tables
report --out one
test -e one/tables/rationales-er-test.md && echo replaced
echo '-- killed while it writes'
"$ADAPLER" report --db r.db --out killed --quiet &
while ! ls -d killed.*.tmp >/dev/null 2>&1; do sleep 0.05; done
kill -9 $! && wait $! 2>/dev/null
ls -d killed* | sed 's/[0-9][0-9]*/PID/'
report --out killed
ls -d killed*

echo '-- refused'
report --out four --format doc
"$ADAPLER" report --db nowhere.db --out x 2>&1
"$ADAPLER" report --db r.db 2>&1
"$ADAPLER" report --db ft/run.db --out x 2>&1
mkdir mine && echo precious >mine/index.html
report --out mine
cat mine/index.html
report --out mine/index.html
ln -s one link
report --out link
report --out nowhere/at/all
rm -rf nowhere
touch file
report --out file/report
report --out x --reference r.db
echo '{"rows": [{"task": "sst2"}]}' >bad.json
report --out x --reference bad.json
cp r.db two_versions.db
sqlite3 two_versions.db "UPDATE run SET data_sha = 'ffffffffffffffffffff' WHERE id = 2"
"$ADAPLER" report --db two_versions.db --out x --quiet 2>&1 
"$ADAPLER" report --db two_versions.db --out x --quiet --without 2 && test -e x/index.html && echo 'left out'
rm -rf x
sqlite3 r.db "UPDATE run SET finished = NULL WHERE id IN (3, 4)"
"$ADAPLER" report --db r.db --out half 2>&1 | sed 's/, figures [0-9]*//'
grep -o '2 runs of the store are unfinished' half/tables/quality-and-speed.md
sqlite3 r.db "DELETE FROM run WHERE kind IN ('rationale') OR policy = 'none'"
"$ADAPLER" report --db r.db --out no_dense --quiet 2>&1
grep -o 'no run without a policy' no_dense/tables/quality-and-speed.md
sqlite3 r.db "DELETE FROM run WHERE kind = 'eval' AND finished IS NOT NULL"
report --out x
ls -d x* *tmp* 2>/dev/null
exit 0
