
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
