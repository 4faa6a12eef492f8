# hatexplain-toxic, test split
# `gnuplot hatexplain-toxic-test-time-32.gp` in this folder draws it from hatexplain-toxic-test-time-32.dat.
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
output[1] = 'hatexplain-toxic-test-time-32.svg'
output[2] = 'hatexplain-toxic-test-time-32.png'
output[3] = 'hatexplain-toxic-test-time-32.pdf'
data = 'hatexplain-toxic-test-time-32.dat'
width = 480
height = 320
footer = 'adapler 5f4fc8f6e7e1; 7e890132aa90 · AMD EPYC · 2026-11-26 · results.db'
title = 'hatexplain-toxic, test split'
series = 4
array legend[4]
array hue[4]
legend[1] = 'dense'
hue[1] = 0
legend[2] = 'AdapLeR'
hue[2] = 1
legend[3] = 'attention received'
hue[3] = 2
legend[4] = 'random'
hue[4] = 7
x_title = 'less time at batch 32, measured'
y_title = 'accuracy (%)'
x_low = 0.97
x_high = 10.01909355
y_low = 52.528606
y_high = 80.18197447
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

# ---- quality against speedup ----
# Needs: x_title, y_title, x_low, x_high, y_low, y_high, series; legend[], hue[]. The data sets: the frontier's steps (speedup,
# quality), its points' names (speedup, quality, name), then one for each of the series (speedup, lo, hi, quality, lo, hi).
set logscale x
set xrange [x_low:x_high]
set yrange [y_low:y_high]
set xtics (1, 1.5, 2, 3, 4, 6, 8, 10, 15, 20, 30, 40, 60, 80, 100)
set xlabel x_title offset 0, 0.4 textcolor "#222222"
set ylabel y_title offset 1, 0 textcolor "#222222"
set format x "%g×"
set key at screen 0.97, 1 - 32.0 / height right center Left reverse horizontal maxrows 1 samplen 0.5 width 0 font ",9" textcolor "#222222"
if (picture == 2) set key font ",14"
if (picture == 3) set key font ",7"
set errorbars 0 linewidth 1
# Names stand where there is room for them.
middle = sqrt(x_low * x_high)
small = picture == 2 ? ",11" : picture == 3 ? ",6" : ",8"
plot data index 0 using 1:2 with lines linecolor "#b5c9d8" linewidth 3 notitle, \
	for [i = 1:series] data index i + 1 using 1:4:2:3:5:6 with xyerrorbars linecolor rgb colour[hue[i] + 1] linewidth 0.7 \
		pointtype 0 notitle, \
	for [i = 1:series] data index i + 1 using 1:4 with points linecolor rgb colour[hue[i] + 1] pointtype mark[hue[i] + 1] \
		pointsize 1 title legend[i], \
	data index 1 using ($1 < middle ? $1 : NaN):2:3 with labels left offset 0.6, 0.6 font small textcolor "#444444" notitle, \
	data index 1 using ($1 < middle ? NaN : $1):2:3 with labels right offset -0.6, 0.6 font small textcolor "#444444" notitle
unset output
if (picture < 3) reread
