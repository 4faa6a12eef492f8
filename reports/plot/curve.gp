# Curves of one run, a panel for each measure over common steps.
# Needs: title; height, panel_height (in points, 480 wide); first_step, last_step; panels; for each panel first[], last[]
# (its curves), measure[], low[], high[]; for each curve legend[], hue[], is_sparse[]; $curves, a data set for each: step
# and value.

# Okabe and Ito's colours, which colour-blind readers tell apart too.
array colour[7] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]

# The largest of 1, 2, 5 times a power of ten near x.
power(x) = 10.0 ** floor(log10(x))
nice(x) = power(x) * (x < 1.5 * power(x) ? 1 : x < 3.5 * power(x) ? 2 : x < 7.5 * power(x) ? 5 : 10)

set border 3 linecolor "#555555" linewidth 0.8
set tics nomirror out scale 0.4 textcolor "#222222"
set grid xtics ytics linetype 1 linecolor "#e6e6e6" linewidth 0.5
set xrange [first_step:last_step]
set xtics nice((last_step - first_step) / 6.0)
set format x ""

top(p) = 1 - (26.0 + panel_height * (p - 1) + 20) / height
bottom(p) = 1 - (26.0 + panel_height * p) / height

set multiplot
set label 1 title at screen 0.155, 1 - 15.0 / height left textcolor "#000000"
do for [p = 1:panels] {
	set lmargin at screen 0.155
	set rmargin at screen 0.95
	set tmargin at screen top(p)
	set bmargin at screen bottom(p)
	if (p == panels) {
		set format x "%.0f"
		set xlabel "step" offset 0, 0.3 textcolor "#222222"
	}
	set yrange [low[p]:high[p]]
	set ytics nice((high[p] - low[p]) / 4)
	# A label of the axis itself would stand as far out as the numbers are long.
	set label 2 measure[p] at screen 0.022, (top(p) + bottom(p)) / 2 center rotate textcolor "#222222"
	if (first[p] == last[p]) {
		set key off
	} else {
		set key on at screen 0.95, top(p) + 7.0 / height right center horizontal samplen 1.5 width 1 textcolor "#222222"
	}
	plot for [i = first[p]:last[p]] $curves index i - 1 using 1:2 title legend[i] with linespoints \
		linecolor rgb colour[hue[i] % 7 + 1] linewidth (is_sparse[i] ? 1.5 : 1) \
		pointtype 7 pointsize (is_sparse[i] ? 0.4 : 0)
	unset label 1
}
unset multiplot
