# movies, test split: selected words and what people marked, at equal counts
# `gnuplot rationales-movies-test.gp` in this folder draws it from rationales-movies-test.dat.
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
terminal[1] = "set terminal svg noenhanced size 480,509 font 'sans-serif,11' linewidth 1 background '#ffffff'"
terminal[2] = "set terminal pngcairo noenhanced size 960,1018 font 'Sans,17' linewidth 2 background '#ffffff'"
terminal[3] = "set terminal pdfcairo noenhanced size 6.667in,7.069in font 'Sans,8.5' linewidth 1"
array output[3]
output[1] = 'rationales-movies-test.svg'
output[2] = 'rationales-movies-test.png'
output[3] = 'rationales-movies-test.pdf'
data = 'rationales-movies-test.dat'
width = 480
height = 509
footer = 'adapler 5f4fc8f6e7e1; 7e890132aa90 · AMD EPYC · 2026-11-26 · results.db'
title = 'movies, test split: selected words and what people marked, at equal counts'
series = 8
array legend[8]
array hue[8]
legend[1] = 'predictors'
hue[1] = 1
legend[2] = 'attention received'
hue[2] = 2
legend[3] = 'attention from [CLS]'
hue[3] = 3
legend[4] = 'rollout'
hue[4] = 4
legend[5] = 'saliency'
hue[5] = 5
legend[6] = 'gradient x input'
hue[6] = 6
legend[7] = 'integrated gradients'
hue[7] = 7
legend[8] = 'random'
hue[8] = 8
array panel[4]
array low[4]
array high[4]
panel[1] = 'false-positive rate (%)'
low[1] = -2.0815
high[1] = 50.9299
panel[2] = 'false-discovery rate (%)'
low[2] = 42.3642
high[2] = 77.2653
panel[3] = 'recall (%)'
low[3] = -2.19274
high[3] = 55.1847
panel[4] = 'average precision (%)'
low[4] = 28.5826
high[4] = 41.4563
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

# ---- agreement of methods with what people marked, by layer ----
# Needs: layers, series, legend[], hue[]; panel[4], low[4], high[4]. A data set for each of the series: layer, then value, lo, hi of
# the four panels.
set xrange [-0.2:layers - 0.8]
set xtics 0, (layers > 12 ? 2 : 1)
set multiplot
# The legend has the bottom row to itself.
set key off
rows = ceil(series / 3.0)
base = (40.0 + 13 * rows) / height
do for [p = 1:4] {
	left = p % 2 ? 0.08 : 0.57
	low_edge = p < 3 ? base + (1 - 30.0 / height - base) * 0.5 + 26.0 / height : base + 26.0 / height
	set lmargin at screen left
	set rmargin at screen left + 0.40
	set bmargin at screen low_edge
	set tmargin at screen low_edge + (1 - 30.0 / height - base) * 0.5 - 44.0 / height
	set yrange [low[p]:high[p]]
	set ytics nice((high[p] - low[p]) / 5.0)
	set label 1 panel[p] at graph 0, 1 left offset 0, 0.7 textcolor "#222222"
	set xlabel (p > 2 ? "layer" : "") offset 0, 0.6 textcolor "#222222"
	plot for [i = 1:series] data index i - 1 using 1:(column(3 * p)):(column(3 * p + 1)) with filledcurves \
			linecolor rgb colour[hue[i] % 9 + 1] fillstyle transparent solid (i == 1 ? 0.18 : 0.05) noborder, \
		for [i = 1:series] data index i - 1 using 1:(column(3 * p - 1)) with linespoints linecolor rgb colour[hue[i] % 9 + 1] \
			linewidth (i == 1 ? 2 : 1) pointtype (hue[i] < 9 ? mark[hue[i] % 9 + 1] : open[hue[i] % 6 + 1]) pointsize 0.55
	unset label 100
	unset label 101
}
unset label 1
unset border
unset tics
unset grid
unset xlabel
set lmargin at screen 0
set rmargin at screen 1
set bmargin at screen 20.0 / height
set tmargin at screen (20.0 + 13 * rows) / height
set xrange [0:3]
set yrange [-rows:0]
x(i) = 0.24 + 0.9 * ((i - 1) % 3)
y(i) = -0.5 - floor((i - 1) / 3)
do for [i = 1:series] {
	set label 200 + i legend[i] at x(i) + 0.05, y(i) left textcolor "#222222"
}
plot for [i = 1:series] "+" using (x(i)):(y(i)) every ::::0 with points linecolor rgb colour[hue[i] % 9 + 1] \
	pointtype (hue[i] < 9 ? mark[hue[i] % 9 + 1] : open[hue[i] % 6 + 1]) pointsize 0.7
unset multiplot
unset output
if (picture < 3) reread
