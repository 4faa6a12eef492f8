
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
