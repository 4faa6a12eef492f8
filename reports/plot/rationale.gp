
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
