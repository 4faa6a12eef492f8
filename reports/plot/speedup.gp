
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
