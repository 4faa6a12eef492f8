# A vocabulary is trained, whatever the order of files and lines; and what cannot be is refused.
printf '%s\n' 'Hug hug HUG hug hug' 'hug hug hug hug húg' 'pug pug pug pug pug' 'pun pun pun pun pun pun' >one
printf '%s\n' 'pun pun pun pun pun pun' 'bun bun bun bun' 'hugs	hugs hugs hugs hugs [SEP]' >two
vocab() { "$ADAPLER" vocab "$@" 2>&1 || echo "status $?"; }
vocab --size 16 --out vocab.txt one two
tr '\n' ' ' <vocab.txt && echo
sort -r one two | vocab --size 16 --out other.txt --quiet -
cmp vocab.txt other.txt && echo same
cat one two | "$ADAPLER" tokenize --vocab vocab.txt | sed 's/.*"tokens":\[\(.*\)\],"word_ids.*/\1/'
vocab --size 15 --out vocab.txt one
wc -l <vocab.txt
vocab --size 15 --out vocab.txt --force one two
wc -l <vocab.txt
vocab --size 12 --alphabet 6 --out few.txt one two
vocab --size 18 --min-count 5 --out rare.txt one two
vocab --size 19 --min-count 5 --out no.txt one two
vocab --size 8 --out no.txt one two
vocab --size 12 --out no.txt one absent
vocab --size 12 --out no.txt .
vocab --size 12 --out nowhere/no.txt one
: >empty
vocab --size 12 --out no.txt empty
vocab --size 12 --out no.txt
vocab --out no.txt one
vocab --size 0 --out no.txt one
{ printf 'a\377b ab '; head -c 101 /dev/zero | tr '\0' x; } | vocab --size 8 --out bad.txt -
tr '\n' ' ' <bad.txt && echo
# Nothing is left behind, not even after an interruption.
mkfifo pipe
exec 3<>pipe
"$ADAPLER" vocab --size 12 --out no.txt pipe 2>interrupted &
tries=0
while [ -z "$(ls no.txt.*.tmp 2>/dev/null)" ] && [ $((tries += 1)) -lt 200 ]; do sleep 0.05; done
echo "some text" >&3
kill -TERM $!
wait $!
echo "status $?"
exec 3>&-
grep -c interrupted interrupted
ls
