# Every cell has every field, dense comes first, and FLOPs speedups do not depend on the machine.
"$ADAPLER" bench --shape 2x32x2x64 --lengths 8,16 --batch 2 --threads 1,2 --keep 0.5,0.75/0.25 --seconds 0 --runs 1 --json --quiet >cells
wc -l <cells
sed -E 's/"(median_ms|min_ms|max_ms|gflops|time_speedup)":[0-9.e+-]+/"\1":T/g; s/"kernels":"[a-z0-9]*"/"kernels":K/; s/"shares":\{[^}]*\}/"shares":{}/; s/"workspace_bytes":[0-9]+/"workspace_bytes":W/' cells | head -n 4
"$ADAPLER" bench --shape 2x32x3x64 2>&1
echo "status $?"
"$ADAPLER" bench --shape 2x32x2x64 --lengths 9999 --runs 1 2>&1 | tail -n 1
printf '8\n12\n12\n' >lengths
"$ADAPLER" bench --shape 2x32x2x64 --lengths-file lengths --batch 2 --json --seconds 0 --runs 1 --quiet | grep -c '"length":0,"batch":2'
printf '8\nx\n' >lengths
"$ADAPLER" bench --shape 2x32x2x64 --lengths-file lengths --quiet 2>&1
echo "status $?"
"$ADAPLER" bench --train --shape 2x32x2x64 --lengths 8 --batch 2 --threads 1,2 --seconds 0 --runs 1 --json --quiet |
	sed -E 's/"(median_ms|min_ms|max_ms|gflops|tokens_per_second)":[0-9.e+-]+/"\1":T/g; s/"bytes":[0-9]+/"bytes":W/'
printf '8\n12\n12\n' >lengths
"$ADAPLER" bench --train --policy adapler --shape 2x32x2x64 --lengths-file lengths --batch 2 --seconds 0 --runs 1 --json --quiet | grep -c '"policy":"adapler",.*"steps":2,"tokens":32,'
"$ADAPLER" bench --train --keep 0.5 --shape 2x32x2x64 2>&1
echo "status $?"
