# Without a command, and with what nobody knows: usage, on standard error, status 2.
"$ADAPLER" 2>overview
echo "status $?, $(grep -c '^usage:' overview) overview"
"$ADAPLER" prdict 2>&1 | sed 's/(known.*/(known ...)/'
"$ADAPLER" help nonsense 2>&1 | sed 's/(known.*/(known ...)/'
"$ADAPLER" completion fish
echo "status $?"
"$ADAPLER" --version --verbos 2>&1
echo "status $?"
"$ADAPLER" nonsense 2>/dev/null
