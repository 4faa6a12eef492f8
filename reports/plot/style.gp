
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
