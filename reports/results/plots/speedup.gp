# Speedup: what FLOPs promise, and what the clock says
# `gnuplot speedup.gp` in this folder draws it from speedup.dat.
# store: results.db, 207 runs (1-207)
# measured by: adapler at 5f4fc8f6e7e1; 7e890132aa90
# on: AMD EPYC; kernels avx2; threads 1
# last run ended: 2026-11-26T21:18:29Z
# weights, data and keys of every run: tables/runs.csv
# again: adapler report --db runs/results.db --reference data/reference/paper.json --out DIR
# every number anew from its facts: adapler verify --db results.db
if (!exists('picture')) picture = 0
picture = picture + 1
reset
array terminal[3]
terminal[1] = "set terminal svg noenhanced size 480,400 font 'sans-serif,11' linewidth 1 background '#ffffff'"
terminal[2] = "set terminal pngcairo noenhanced size 960,800 font 'Sans,17' linewidth 2 background '#ffffff'"
terminal[3] = "set terminal pdfcairo noenhanced size 6.667in,5.556in font 'Sans,8.5' linewidth 1"
array output[3]
output[1] = 'speedup.svg'
output[2] = 'speedup.png'
output[3] = 'speedup.pdf'
data = 'speedup.dat'
width = 480
height = 400
footer = 'adapler 5f4fc8f6e7e1; 7e890132aa90 · AMD EPYC · 2026-11-26 · results.db'
title = 'Speedup: what FLOPs promise, and what the clock says'
series = 10
array legend[10]
array hue[10]
legend[1] = 'agnews-test'
hue[1] = 0
legend[2] = 'cola-dev'
hue[2] = 1
legend[3] = 'dbpedia-test'
hue[3] = 2
legend[4] = 'hatexplain-test'
hue[4] = 3
legend[5] = 'hatexplain-toxic-test'
hue[5] = 4
legend[6] = 'imdb-test'
hue[6] = 5
legend[7] = 'movies-test'
hue[7] = 6
legend[8] = 'mrpc-test'
hue[8] = 7
legend[9] = 'rte-dev'
hue[9] = 8
legend[10] = 'sst2-test'
hue[10] = 9
high = 17.34754434
eval terminal[picture]
set output output[picture]

# ---- the look of all figures; needs title, footer, height ----
# Okabe and Ito's colours, which colour-blind readers tell apart too; marks differ as well.
array colour[9] = ["#000000", "#0072B2", "#D55E00", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#777777", "#8B6914"]
array mark[9] = [5, 7, 9, 11, 13, 15, 4, 2, 6]
array open[6] = [4, 6, 8, 10, 12, 14]
# The largest of 1, 2, 5 times a power of ten near x.
power(x) = 10.0 ** floor(log10(x))
nice(x) = power(x) * (x < 1.5 * power(x) ? 1 : x < 3.5 * power(x) ? 2 : x < 7.5 * power(x) ? 5 : 10)
set encoding utf8
set border 3 linecolor "#555555" linewidth 0.8
set tics nomirror out scale 0.4 textcolor "#222222"
set grid xtics ytics linetype 1 linecolor "#e6e6e6" linewidth 0.5
set label 100 title at screen 0.02, 1 - 13.0 / height left textcolor "#000000"
set label 101 footer at screen 0.98, 8.0 / height right textcolor "#8a8a8a" font ",7"
if (picture == 2) set label 101 font ",11"
if (picture == 3) set label 101 font ",6"
set tmargin at screen 1 - 44.0 / height
set bmargin at screen 62.0 / height
set lmargin at screen 0.11
set rmargin at screen 0.97

# ---- the speedup that FLOPs promise, and the one measured ----
# Needs: high, series, legend[]. A data set a section and batch size: FLOPs, lo, hi, time, lo, hi; those of batch 32 first, then
# those of batch 1. Six marks have an open twin; with nine colours eighteen sections look different.
set logscale xy
set xrange [0.9:high]
set yrange [0.9:high]
set xtics (1, 1.5, 2, 3, 4, 6, 8, 10, 15, 20, 30, 40, 60, 80, 100)
set ytics (1, 1.5, 2, 3, 4, 6, 8, 10, 15, 20, 30, 40, 60, 80, 100)
set format xy "%g×"
set xlabel "fewer FLOPs" offset 0, 0.4 textcolor "#222222"
set lmargin at screen 0.13
set ylabel "less time: filled at batch 32, open at batch 1" offset 0.5, 0 textcolor "#222222"
set key top left Left reverse samplen 0.8 font ",9" textcolor "#222222"
if (picture == 2) set key font ",14"
if (picture == 3) set key font ",7"
plot x with lines linecolor "#999999" linewidth 1 dashtype 2 title "as promised", \
	for [i = 1:series] data index i - 1 using 1:4 with points linecolor rgb colour[(i - 1) % 9 + 1] \
		pointtype mark[(i - 1) % 6 + 1] pointsize 0.9 title legend[i], \
	for [i = 1:series] data index series + i - 1 using 1:4 with points linecolor rgb colour[(i - 1) % 9 + 1] \
		pointtype open[(i - 1) % 6 + 1] pointsize 0.9 notitle
unset output
if (picture < 3) reread
