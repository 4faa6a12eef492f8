
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
