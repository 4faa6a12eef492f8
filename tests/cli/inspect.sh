# The golden model; and what is no model.
[ -e "$SHARED/goldens/adapler-b" ] || { echo "no '$SHARED/goldens/adapler-b' here" >&2; exit 77; }
ln -s "$SHARED/goldens/adapler-b" model
"$ADAPLER" inspect model
"$ADAPLER" inspect --json model
mkdir empty
"$ADAPLER" inspect empty 2>&1
echo "status $?"
"$ADAPLER" inspect 2>&1
echo "status $?"
