# The drawing: as many tokens as fit the width, dots for those that are gone, wide and unknown characters in line.
"$ADAPLER" init --config "$PROJECT/data/tiny/config.json" --vocab "$PROJECT/data/tiny/vocab.txt" --seed 1 --out tiny --quiet
COLUMNS=60 "$ADAPLER" predict --model tiny --policy adapler:eta=1 --show --text 'a gorgeous, witty movie with a very smart script'
"$ADAPLER" predict --model tiny --policy none --show --text 'a 電影 !'
