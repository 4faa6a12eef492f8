# The runs and the curves of a database of version 1, in every format; what cannot be shown is refused.
command -v sqlite3 >/dev/null || { echo 'sqlite3 is not installed' >&2; exit 77; }
sqlite3 runs.db <"$PROJECT/tests/golden/store_v1.sql" >/dev/null || exit 1
curve() { "$ADAPLER" curve --db runs.db "$@" 2>&1; echo "status $?"; }
curve
curve --json
curve --run 1
curve --run 1 --name loss,dev/accuracy --format csv
curve --run c0ffee01 --json
curve --run dead --name dev/loss | sed -n '2p;20,22p'
curve --run c0ff
curve --run 9
curve --run 2
curve --run 1 --name lost
curve --run 1 --name loss,loss
curve --name loss
curve --run 1 --plot curve.jpg
"$ADAPLER" curve 2>&1
"$ADAPLER" curve --db no.db 2>&1
echo text that is long enough to be no header of a database >text.db
"$ADAPLER" curve --db text.db 2>&1
ls | grep -v runs.db
