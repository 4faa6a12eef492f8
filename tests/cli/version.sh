# Version, commit, kernels and BLAS, a line each; --verbose adds to them.
"$ADAPLER" --version >brief
sed -E 's/[0-9]+\.[0-9]+\.[0-9]+, commit ([0-9a-f]{12}|unknown)$/X, commit X/; s/^(kernels|BLAS): .+/\1: X/' brief
"$ADAPLER" --version --verbose >verbose
head -n 3 verbose | cmp - brief && [ "$(wc -l <verbose)" -gt 3 ] && echo more
