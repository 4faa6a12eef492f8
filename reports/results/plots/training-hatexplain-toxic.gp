# hatexplain-toxic: training
# `gnuplot training-hatexplain-toxic.gp` in this folder draws it from training-hatexplain-toxic.dat.
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
terminal[1] = "set terminal svg noenhanced size 480,570 font 'sans-serif,11' linewidth 1 background '#ffffff'"
terminal[2] = "set terminal pngcairo noenhanced size 960,1140 font 'Sans,17' linewidth 2 background '#ffffff'"
terminal[3] = "set terminal pdfcairo noenhanced size 6.667in,7.917in font 'Sans,8.5' linewidth 1"
array output[3]
output[1] = 'training-hatexplain-toxic.svg'
output[2] = 'training-hatexplain-toxic.png'
output[3] = 'training-hatexplain-toxic.pdf'
data = 'training-hatexplain-toxic.dat'
width = 480
height = 570
footer = 'adapler 5f4fc8f6e7e1; 7e890132aa90 · AMD EPYC · 2026-11-26 · results.db'
title = 'hatexplain-toxic: training'
panels = 4
array panel[4]
array first[4]
array last[4]
array low[4]
array high[4]
array is_sparse[4]
first[1] = 1
last[1] = 2
low[1] = 0.237422
high[1] = 0.774775
is_sparse[1] = 0
panel[1] = 'training loss'
first[2] = 3
last[2] = 4
low[2] = 0.550701
high[2] = 0.641519
is_sparse[2] = 1
panel[2] = 'dev loss'
first[3] = 5
last[3] = 6
low[3] = 0.690499
high[3] = 0.7377
is_sparse[3] = 1
panel[3] = 'dev/accuracy'
first[4] = 7
last[4] = 7
low[4] = 2.33236
high[4] = 3.96136
is_sparse[4] = 1
panel[4] = 'dev: fewer FLOPs (times)'
series = 2
array legend[2]
array hue[2]
legend[1] = 'dense'
hue[1] = 0
legend[2] = 'phi 0.005'
hue[2] = 1
array hue[7]
hue[1] = 0
hue[2] = 1
hue[3] = 0
hue[4] = 1
hue[5] = 0
hue[6] = 1
hue[7] = 1
last_step = 692
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

# ---- trainings of one task ----
# Needs: panels, panel[], first[], last[] (data sets of a panel, from 1), low[], high[], is_sparse[]; series (trainings),
# legend[]; hue[] by data set. A data set a curve: step and value.
set multiplot
set key off
set xrange [0:last_step]
do for [p = 1:panels] {
	room = (1 - 84.0 / height) / panels
	set bmargin at screen 54.0 / height + room * (panels - p)
	set tmargin at screen 54.0 / height + room * (panels - p + 1) - 22.0 / height
	set yrange [low[p]:high[p]]
	set ytics nice((high[p] - low[p]) / 4.0)
	set format x (p == panels ? "%.0f" : "")
	set xlabel (p == panels ? "step" : "") offset 0, 0.5 textcolor "#222222"
	set label 1 panel[p] at graph 0, 1 left offset 0, 0.7 textcolor "#222222"
	if (p == 1) { set key on at screen 0.97, 1 - 32.0 / height right center Left reverse horizontal maxrows 1 samplen 1.2 textcolor "#222222" }
	plot for [i = first[p]:last[p]] data index i - 1 using 1:2 with linespoints linecolor rgb colour[hue[i] % 9 + 1] \
		linewidth 1.2 pointtype mark[hue[i] % 9 + 1] pointsize (is_sparse[p] ? 0.7 : 0) title (p == 1 ? legend[hue[i] + 1] : "")
	set key off
	unset label 100
	unset label 101
}
unset multiplot
unset output
if (picture < 3) reread
