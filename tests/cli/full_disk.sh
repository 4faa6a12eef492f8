# Output that did not arrive is a failure.
"$ADAPLER" man >/dev/full
