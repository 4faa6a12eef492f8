# hatexplain, test split: tokens that each layer sees (median, quartiles)
# `gnuplot hatexplain-test-kept.gp` in this folder draws it from hatexplain-test-kept.dat.
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
terminal[1] = "set terminal svg noenhanced size 480,320 font 'sans-serif,11' linewidth 1 background '#ffffff'"
terminal[2] = "set terminal pngcairo noenhanced size 960,640 font 'Sans,17' linewidth 2 background '#ffffff'"
terminal[3] = "set terminal pdfcairo noenhanced size 6.667in,4.444in font 'Sans,8.5' linewidth 1"
array output[3]
output[1] = 'hatexplain-test-kept.svg'
output[2] = 'hatexplain-test-kept.png'
output[3] = 'hatexplain-test-kept.pdf'
data = 'hatexplain-test-kept.dat'
width = 480
height = 320
footer = 'adapler 5f4fc8f6e7e1; 7e890132aa90 · AMD EPYC · 2026-11-26 · results.db'
title = 'hatexplain, test split: tokens that each layer sees (median, quartiles)'
series = 4
array legend[4]
array hue[4]
legend[1] = 'phi 0.005'
hue[1] = 1
legend[2] = 'keep 0.7'
hue[2] = 2
legend[3] = 'keep 0.5'
hue[3] = 3
legend[4] = 'keep 0.3'
hue[4] = 4
layers = 4
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

# ---- tokens that each layer still sees ----
# Needs: layers, series, legend[], hue[]. A data set for each of the series: layer, median, lower and upper quartile.
set xrange [-0.4:layers - 0.6]
set yrange [0:104]
set xtics 0, (layers > 12 ? 2 : 1)
set xlabel "layer" offset 0, 0.4 textcolor "#222222"
set ylabel "tokens (%)" offset 1.5, 0 textcolor "#222222"
set key at screen 0.97, 1 - 32.0 / height right center Left reverse horizontal maxrows 1 samplen 0.5 width 0 font ",9" textcolor "#222222"
if (picture == 2) set key font ",14"
if (picture == 3) set key font ",7"
shift(i) = (i - (series + 1) / 2.0) * 0.5 / (series + 1)
plot for [i = 1:series] data index i - 1 using ($1 + shift(i)):2 with lines linecolor rgb colour[hue[i] + 1] linewidth 1 notitle, \
	for [i = 1:series] data index i - 1 using ($1 + shift(i)):2:3:4 with yerrorbars linecolor rgb colour[hue[i] + 1] linewidth 1 \
		pointtype mark[hue[i] + 1] pointsize 0.7 title legend[i]
unset output
if (picture < 3) reread
