# The fetcher against a server of this machine and a manifest of its own: never the network. And data/MANIFEST is well-formed.
for tool in python3 curl unzip; do
	command -v $tool >/dev/null || { echo "no $tool" >&2; exit 77; }
done
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
here=$(pwd -P)

cat >serve.py <<'PY'
# http.server knows no ranges: this one does, and notes from which byte on it was asked, except below /plain/.
import functools, http.server, os, sys

class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        begin = int(self.headers.get("Range", "bytes=0-")[6:].split("-")[0])
        path = self.translate_path(self.path)
        print(self.path, begin, file=sys.stderr, flush=True)
        if not begin or not os.path.isfile(path) or "/plain/" in self.path:
            return super().do_GET()
        with open(path, "rb") as f:
            body = f.read()
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - begin))
        self.end_headers()
        self.wfile.write(body[begin:])

    def log_message(self, *args):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory="www"))
with open("port.new", "w") as f:
    f.write(str(server.server_address[1]))
os.rename("port.new", "port")
server.serve_forever()
PY

mkdir -p www/plain set/docs
printf 'one\ntwo\n' >www/plain/one.csv
printf 'a model of some bytes\n' >www/model.bin
echo text >set/docs/a.txt
echo '{}' >set/train.jsonl
tar -czf www/set.tar.gz ./set
python3 -m zipfile -c www/ZIP.zip set
printf 'Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\ta\tb\n0\t9\t8\tc\td\n' >www/msr_paraphrase_train.txt
printf '9\t8\r\n' >www/mrpc_dev_ids.tsv
cat >www/dataset.json <<'JSON'
{"1_gab": {"post_id": "1_gab", "annotators": [{"label": "offensive", "target": ["a"]}, {"label": "normal", "target": []},
{"label": "offensive", "target": []}], "rationales": [[1, 0, 0, 0, 1], [0, 1, 0, 0, 0]],
"post_tokens": ["say", "\"\ud83d\ude02\"", "to", "them", "\\"]}, "2_twitter": {"post_tokens": ["fine"], "post_id": "2_twitter",
"annotators": [{"label": "normal"}, {"label": "normal"}, {"label": "hatespeech"}], "rationales": [[1]]}, "3_gab": {"post_id": "3_gab",
"annotators": [{"label": "hatespeech"}, {"label": "hatespeech"}], "rationales": [], "post_tokens": ["one", "more"]}}
JSON
echo '{"test": ["2_twitter"], "train": ["1_gab"], "val": ["3_gab"]}' >www/post_id_divisions.json

python3 serve.py 2>>requests &
server=$!
trap 'kill $server 2>/dev/null' EXIT
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ -e port ] && break
	sleep 0.5
done
[ -e port ] || { echo 'no server' >&2; exit 1; }

row() # NAME FILE RULE [SHA256]
{
	printf '%s\thttp://127.0.0.1:%s/%s\t%s\t%s\t%s terms\t%s\n' "$1" "$(cat port)" "$2" "$(wc -c <"www/$2" | tr -d ' ')" \
		"${4-$(python3 -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "www/$2")}" "$1" "$3"
}
{
	echo '# a comment'
	row one plain/one.csv 'file one/one.csv'
	row set set.tar.gz 'untar set=sets/set docs train.jsonl'
	row zip ZIP.zip 'unzip set=sets/zip train.jsonl'
	row mrpc msr_paraphrase_train.txt 'file glue/MRPC/msr_paraphrase_train.txt'
	row mrpc mrpc_dev_ids.tsv 'file glue/MRPC/mrpc_dev_ids.tsv then mrpc'
	row hatexplain dataset.json 'file hatexplain/original/dataset.json'
	row hatexplain post_id_divisions.json 'file hatexplain/original/post_id_divisions.json then hatexplain'
	row model model.bin 'file model/model.bin'
	row open plain/one.csv 'file open/one.csv' -
} >manifest

fetch()
{
	echo "\$ fetch $*"
	sh "$PROJECT/scripts/fetch_data.sh" --manifest "${manifest-manifest}" --into raw "$@" >out 2>&1
	status=$?
	# How long an archive is depends on the tool that made it.
	sed -e "s,$here/,,; s,:$(cat port),:PORT,g" -e "/^set/ s/[0-9][0-9]*/N/" -e "/^zip/ s/[0-9][0-9]*/N/" out
	[ $status -eq 0 ] || echo "status $status"
}
asked() { cat requests; : >requests; }

fetch --list
fetch --dry-run one set
fetch one set zip mrpc hatexplain
asked
(cd raw && find . -type f | LC_ALL=C sort)
head -n 9 raw/glue/MRPC/train.tsv raw/glue/MRPC/dev.tsv raw/hatexplain/three_class/* raw/hatexplain/eraser/*
for task in hatexplain hatexplain-toxic mrpc; do
	"$ADAPLER" corpus --data raw --tasks $task --out $task.txt --quiet >/dev/null && echo "$task is read" && cat $task.txt
done

echo 'again, without the archives: nothing is asked for'
rm -r raw/archives
fetch one set zip mrpc hatexplain
fetch --dry-run one set zip
fetch --list
asked

echo 'only what is missing, and what else is there stays'
rm raw/sets/set/train.jsonl raw/glue/MRPC/dev.tsv
echo mine >raw/sets/set/mine.txt
fetch set mrpc
asked
cat raw/sets/set/mine.txt

echo 'resumed: where it was, from the start where the server cannot, not at all where it is whole'
mkdir -p raw/model
head -c 10 www/model.bin >raw/model/model.bin.part
fetch model
head -c 3 www/plain/one.csv >raw/one/one.csv.part
echo another >raw/one/one.csv
fetch one
cp www/model.bin raw/model/model.bin.part
rm raw/model/model.bin
fetch model
asked
cmp www/model.bin raw/model/model.bin && cmp www/plain/one.csv raw/one/one.csv && cat raw/one/one.csv.old

echo 'without a hash'
fetch open
fetch open

echo 'wrong: contents, size, name, option, row'
rm -r raw/model
echo 'A model of some bytes' >www/model.bin
fetch model
ls raw/model
echo longer than it should be, by far >www/model.bin
fetch model
echo short >www/model.bin
fetch model
rm -r raw/model www/model.bin
fetch model
fetch nothing
fetch --frobnicate
printf 'x\thttp://127.0.0.1/x\t1\t-\tfree\tfile ../x\n' >bad
manifest=bad fetch x
unset manifest

echo 'no room, no network'
mkdir bin
printf '#!/bin/sh\necho Filesystem\necho disk 9 8 1 90%% /\n' >bin/df
chmod +x bin/df
path=$PATH
PATH=$here/bin:$PATH
echo 'a model of some bytes, and of so many more' >www/model.bin
row model model.bin 'file model/model.bin' | awk -F '\t' -v OFS='\t' '{ $3 = 3000000 } 1' >big
manifest=big fetch model
unset manifest
PATH=$path
kill $server
wait $server 2>/dev/null
fetch model

echo 'the real one'
sh "$PROJECT/scripts/fetch_data.sh" --list --into none | awk -F '\t' 'NF == 4 && $2 > 0 && $3 == "missing" { print $1 }' | tr '\n' ' '
awk -F '\t' '!/^#/ { rows++; address[$2]++; wrong += NF != 6 || $2 !~ /^https:/ || $3 !~ /^[0-9]+$/ || length($4) != 64 || address[$2] > 1 }
END { print "\n" rows " files, " wrong " wrong" }' "$PROJECT/data/MANIFEST"
