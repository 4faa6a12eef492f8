#!/bin/sh
# Fetches public data sets and bert-base-uncased from their own places into a folder that --data and --model take.
#
#   scripts/fetch_data.sh [--into DIR] [--list] [--dry-run] [--manifest FILE] [NAME...]
#
#   --into DIR        where to; by default data/raw, which git ignores
#   --list            what there is, tab-separated: name, bytes to fetch, whether it is there, licence and terms
#   --dry-run         what would be fetched, tab-separated: name, bytes, address, file or folder
#   --manifest FILE   another table than data/MANIFEST, which says what a row is
#
# Without names everything: about 1 GB. A file is taken only with the size and SHA-256 of the manifest. What is there is not
# fetched again; what was cut off goes on where it was. Archives stay in DIR/archives and may be deleted.
#
# Left out: SST-2's labelled test split, which GLUE does not give (its test.tsv has no labels), and GLUE's other hidden labels;
# IMDB's unlabelled reviews; HateXplain's posts without a majority. HateXplain is re-shaped: three_class/ has the majority's
# label, eraser/ as rationale of a toxic post every word that an annotator marked, of others none. MRPC is here SentEval's
# text, which is tokenised; its dev split is GLUE's.
set -eu
umask 022
LC_ALL=C
export LC_ALL

home=$(cd "$(dirname "$0")/.." && pwd)
into=$home/data/raw
manifest=$home/data/MANIFEST
mode=fetch
tab=$(printf '\t')

say() { printf '%s\n' "$*" >&2; }
die()
{
	status=$1
	shift
	say "fetch_data.sh: $*"
	exit "$status"
}
usage() { sed -n '2,/^set/p' "$0" | sed '/^set/d; s/^# \{0,1\}//'; }

# ---- the manifest ------------------------------------------------------------------------------------------------------

# One word on each fault, with its line; nothing that a row says may lead out of DIR.
check_manifest()
{
	[ -r "$manifest" ] || die 1 "cannot read '$manifest'"
	awk -F '\t' '
	function bad(what) { print what " in line " NR; exit }
	/^#/ || /^$/ { next }
	NF != 6 { bad("expected 6 columns, found " NF) }
	$1 !~ /^[a-z0-9][a-z0-9-]*$/ { bad("name") }
	$2 !~ /^https?:\/\/[^ ]+\/[^ \/?]+$/ { bad("address") }
	$3 !~ /^([0-9]+|-)$/ { bad("size") }
	$4 != "-" && ($4 !~ /^[0-9a-f]+$/ || length($4) != 64) { bad("hash") }
	$5 ~ /^[ -]*$/ { bad("licence") }
	$6 !~ /^(file [^ =]+( then (mrpc|hatexplain))?|(unzip|untar) [^ =]+=[^ =]+( [^ =]+)+)$/ { bad("rule") }
	$6 ~ /(^|[ =\/])(\.\.|\/|-)/ { bad("path") }
	{ n++ }
	END { if (!n) print "no rows" }' "$manifest" >"$work/fault"
	[ -s "$work/fault" ] && die 1 "$(head -n 1 "$work/fault") of '$manifest'"
	grep -v -e '^#' -e '^$' "$manifest" >"$work/rows"
}

names() { cut -f 1 "$work/rows" | uniq; }

choose_rows()
{
	if [ $# -eq 0 ]; then
		cp "$work/rows" "$work/chosen"
		return
	fi
	: >"$work/chosen"
	for wanted; do
		names | grep -q -x -F -e "$wanted" || die 2 "unknown name '$wanted' (known: $(names | tr '\n' ' ' | sed 's/ $//'))"
		grep -F -e "$wanted$tab" "$work/rows" | awk -F '\t' -v name="$wanted" '$1 == name' >>"$work/chosen"
	done
}

# Calls $1 with a row's fields in name, url, bytes, sha, licence, kind, target, step and members, for each row of a file.
for_each()
{
	call=$1
	while IFS=$tab read -r name url bytes sha licence rule <&3; do
		read_rule "$rule"
		"$call"
	done 3<"$2"
}

read_rule()
{
	kind=${1%% *} rest=${1#* } step='' members='' inner='' outer=''
	base=${url##*/}
	if [ "$kind" = file ]; then
		target=$into/${rest%% *}
		case $rest in *' then '*) step=${rest##* } ;; esac
	else
		target=$into/archives/$base
		members=${rest#* } inner=${rest%%=*}
		outer=${rest%% *} outer=${outer#*=}
	fi
}

# ---- what is there -----------------------------------------------------------------------------------------------------

sha256()
{
	if command -v sha256sum >/dev/null 2>&1; then
		sha256sum <"$1" | cut -d ' ' -f 1
	elif command -v shasum >/dev/null 2>&1; then
		shasum -a 256 <"$1" | cut -d ' ' -f 1
	else
		openssl dgst -sha256 <"$1" | sed 's/.* //'
	fi
}

size() { wc -c <"$1" | tr -d ' '; }

is_right()
{
	[ -f "$1" ] || return 1
	[ "$bytes" = - ] || [ "$(size "$1")" = "$bytes" ] || return 1
	[ "$sha" = - ] || [ "$(sha256 "$1")" = "$sha" ]
}

# Which archive a folder was unpacked from, so that the archive itself may go.
stamp() { printf '%s\n' "$into/.unpacked/$base"; }

is_unpacked()
{
	[ -f "$(stamp)" ] || return 1
	[ "$sha" = - ] || [ "$(cat "$(stamp)")" = "$sha" ] || return 1
	for member in $members; do
		[ -e "$into/$outer/$member" ] || return 1
	done
}

results_of() # STEP
{
	case $1 in
	mrpc) echo glue/MRPC/train.tsv glue/MRPC/dev.tsv ;;
	hatexplain)
		for split in train val test; do
			echo hatexplain/three_class/$split.json hatexplain/eraser/$split.jsonl
		done
		echo hatexplain/eraser/docs.jsonl
		;;
	esac
}

is_shaped()
{
	for result in $(results_of "$step"); do
		[ -e "$into/$result" ] || return 1
	done
}

# Nothing left to do, or (is_fetched) nothing left to fetch.
is_done()
{
	if [ "$kind" = file ]; then
		is_right "$target" && is_shaped
	else
		is_unpacked
	fi
}

is_fetched() { is_right "$target" || { [ "$kind" != file ] && is_unpacked; }; }

# ---- fetching ----------------------------------------------------------------------------------------------------------

host() { printf '%s\n' "$url" | sed 's,^[a-z]*://,,; s,/.*,,'; }

# Progress is for people: a log gets none. 33 and an answer of 416 mean that the server cannot go on where we were.
with_curl()
{
	shown=-s
	[ -t 2 ] && shown=--progress-bar
	code=0
	answer=$(curl -fL -C - --retry 2 --connect-timeout 30 --speed-limit 1 --speed-time 60 $shown -w '%{http_code}' \
		-o "$target.part" "$url") || code=$?
	case $code:$answer in
	33:* | *:416) return 33 ;;
	0:*) return 0 ;;
	5:* | 6:* | 7:*) die 1 "no network, or $(host) is down: cannot fetch '$url'" ;;
	22:*) die 1 "$(host) answers $answer to '$url'" ;;
	23:*) die 1 "cannot write '$target.part': is the disk full?" ;;
	*) die 1 "'$url' broke off (curl says $code); what came is kept: run again to go on" ;;
	esac
}

with_wget()
{
	shown=-q code=0
	[ -t 2 ] && shown=
	wget $shown -c -T 60 -O "$target.part" "$url" || code=$?
	case $code in
	0) ;;
	3) die 1 "cannot write '$target.part': is the disk full?" ;;
	4) die 1 "no network, or $(host) is down: cannot fetch '$url'" ;;
	*) die 1 "cannot fetch '$url' (wget says $code)" ;;
	esac
}

download()
{
	if command -v curl >/dev/null 2>&1; then
		with_curl || {
			say "$name: $(host) cannot resume, from the start"
			rm -f "$target.part"
			with_curl || die 1 "$(host) gives no plain file for '$url'"
		}
	elif command -v wget >/dev/null 2>&1; then
		with_wget
	else
		die 1 'neither curl nor wget is there'
	fi
}

set_aside()
{
	mv "$target.part" "$target.part.wrong"
	die 1 "'$base' has $1 $2, expected $3: left as '$target.part.wrong'"
}

check_part()
{
	found=$(size "$target.part")
	[ "$bytes" = - ] || [ "$found" -ge "$bytes" ] ||
		die 1 "'$base' broke off at $found of $bytes bytes; what came is kept: run again to go on"
	[ "$bytes" = - ] || [ "$found" -eq "$bytes" ] || set_aside size "$found" "$bytes"
	found=$(sha256 "$target.part")
	if [ "$sha" = - ]; then
		say "$name: UNVERIFIED, the manifest has no hash: '$base' has sha256 $found"
	else
		[ "$found" = "$sha" ] || set_aside sha256 "$found" "$sha"
	fi
}

# A part as long as the whole was cut off between fetching and checking.
fetch()
{
	mkdir -p "$(dirname "$target")"
	here=0
	[ -f "$target.part" ] && here=$(size "$target.part")
	if [ "$bytes" != - ] && [ "$here" -gt "$bytes" ]; then
		rm -f "$target.part"
		here=0
	fi
	if [ "$here" != "$bytes" ]; then
		[ "$here" -eq 0 ] && from='' || from=", going on at $here"
		say "$name: fetching '$base', $bytes bytes$from"
		download
	fi
	check_part
	if [ -e "$target" ]; then
		say "$name: another '$target' was there, now '$base.old'"
		mv "$target" "$target.old"
	fi
	mv "$target.part" "$target"
}

# ---- from files to the layout that is read -----------------------------------------------------------------------------

extract() # FOLDER
{
	paths=
	for member in $members; do paths="$paths $inner/$member"; done
	# shellcheck disable=SC2086
	if [ "$kind" = unzip ]; then
		command -v unzip >/dev/null 2>&1 || die 1 'unzip is not there'
		unzip -q -o "$target" $paths -d "$1" >&2
	else
		# Some archives spell their members ./a/b, which only unpacking all of them finds.
		tar -xzf "$target" -C "$1" $paths 2>/dev/null || tar -xzf "$target" -C "$1" >&2
	fi || die 1 "cannot unpack '$target'"
}

# Into a folder of its own first: what is cut off is not taken for whole, and what else is in the target stays.
unpack()
{
	new=$into/.unpacking
	rm -rf "$new"
	mkdir -p "$new" "$into/.unpacked"
	say "$name: unpacking '$base' to '$outer'"
	extract "$new"
	for member in $members; do
		[ -e "$new/$inner/$member" ] || die 1 "no '$inner/$member' in '$target'"
		mkdir -p "$(dirname "$into/$outer/$member")"
		rm -rf "${into:?}/$outer/$member"
		mv "$new/$inner/$member" "$into/$outer/$member"
	done
	rm -rf "$new"
	sha256 "$target" >"$(stamp)"
}

# GLUE's split of the published train file: the pairs that it names are dev. Both begin with the header.
shape_mrpc()
{
	from=$into/glue/MRPC
	mkdir -p glue/MRPC
	awk -F '\t' '
	NR == FNR { sub(/\r$/, ""); dev[$1 "\t" $2] = 1; next }
	FNR == 1 || ($2 "\t" $3) in dev { print >"glue/MRPC/dev.tsv" }
	FNR == 1 || !(($2 "\t" $3) in dev) { print >"glue/MRPC/train.tsv" }' \
		"$from/mrpc_dev_ids.tsv" "$from/msr_paraphrase_train.txt"
}

# HateXplain's JSON is read as what is between quotes and what is not, and texts are written as they were spelled, so that no
# escape needs to be understood. A record ends at a quote, which belongs to the text if a backslash, not itself escaped, is
# before it. Then outside() sees what follows the text `last`: a colon, if that was the name of a field.
# shellcheck disable=SC2016
read_strings='
BEGIN { RS = "\"" }
FNR == 1 { file++; within = depth = has_last = 0; text = "" }
within && !whole($0) { next }
within { last = text; text = ""; within = 0; has_last = 1; next }
{ outside($0); within = 1 }

function whole(part,   n) {
	text = text part
	while (n < length(text) && substr(text, length(text) - n, 1) == "\\")
		n++
	if (n % 2)
		text = text "\""
	return n % 2 == 0
}
function outside(s) {
	if (s ~ /^[ \t\r\n]*:/)
		field_begins(last, s)
	else if (has_last)
		value(last)
	has_last = 0
	depth += gsub(/[[{]/, "&", s) - gsub(/[]}]/, "&", s)
	if (file == 1 && depth < 2 && s ~ /}/)
		post_ends()
}'

# The first file, dataset.json: {ID: {"annotators": [{"label": ..}, ..], "rationales": [[0, 1, ..], ..], "post_tokens": [..]}}
gather_posts='
function field_begins(name, s) {
	field = name
	if (file == 1 && depth == 1)
		post = name
	if (file == 1 && name == "rationales")
		mark(s)
}
function value(s) {
	if (file == 2)
		write_post(field, s)
	else if (field == "label")
		votes[s]++
	else if (field == "post_tokens")
		token[++tokens] = s
}
function mark(s,   lists, list, i, j, n) {
	n = split(s, lists, "]")
	for (i = 1; i <= n; i++) {
		list = lists[i]
		gsub(/[^01]/, "", list)
		for (j = 1; j <= length(list); j++)
			if (substr(list, j, 1) == "1")
				marked[j] = 1
	}
}
function post_ends(   l, majority) {
	for (l in votes)
		if (votes[l] > 1)
			label[post] = majority = l
	document[post] = words(1, tokens)
	if (majority != "normal")
		evidence[post] = spans()
	split("", votes); split("", token); split("", marked)
	tokens = 0
}
function words(from, to,   i, s) {
	for (i = from; i <= to; i++)
		s = s (i > from ? " " : "") token[i]
	return s
}
function spans(   i, from, s) {
	for (i = 1; i <= tokens; i++) {
		if (!(i in marked))
			continue
		for (from = i; i < tokens && (i + 1) in marked; )
			i++
		s = s (s == "" ? "" : ", ") "{\"docid\": \"" post "\", \"end_sentence\": -1, \"end_token\": " i \
			", \"start_sentence\": -1, \"start_token\": " (from - 1) ", \"text\": \"" words(from, i) "\"}"
	}
	return s
}'

# The second, post_id_divisions.json: {"test": [ID, ..], ..}
write_splits='
function write_post(split_name, id,   three, eraser) {
	if (!(id in label)) {
		unlabelled++
		return
	}
	three = "three_class/" split_name ".json"
	eraser = "eraser/" split_name ".jsonl"
	printf "%s[\"%s\", \"%s\"]", (posts[split_name]++ ? ",\n" : "["), document[id], label[id] >three
	print "{\"annotation_id\": \"" id "\", \"classification\": \"" (label[id] == "normal" ? "non-toxic" : "toxic") \
		"\", \"evidences\": [[" evidence[id] "]], \"query\": \"What is the class?\", \"query_type\": null}" >eraser
	print "{\"docid\": \"" id "\", \"document\": \"" document[id] "\"}" >"eraser/docs.jsonl"
}
END {
	for (split_name in posts)
		print "]" >("three_class/" split_name ".json")
	if (unlabelled) {
		print unlabelled " posts of post_id_divisions.json have no label by a majority in dataset.json" >"/dev/stderr"
		exit 1
	}
}'

shape_hatexplain()
{
	from=$into/hatexplain/original
	mkdir -p hatexplain/three_class hatexplain/eraser
	(cd hatexplain && awk "$read_strings$gather_posts$write_splits" "$from/dataset.json" "$from/post_id_divisions.json")
}

shape()
{
	new=$into/.shaping
	rm -rf "$new"
	mkdir -p "$new"
	say "$name: shaping"
	(cd "$new" && "shape_$step") || die 1 "cannot shape '$name'"
	for result in $(results_of "$step"); do
		[ -s "$new/$result" ] || die 1 "nothing came of '$result'"
		mkdir -p "$(dirname "$into/$result")"
		mv "$new/$result" "$into/$result"
	done
	rm -rf "$new"
}

get()
{
	is_fetched || fetch
	if [ "$kind" != file ]; then
		unpack
	elif [ -n "$step" ]; then
		shape
	fi
}

# ---- what the options do -----------------------------------------------------------------------------------------------

note_if_undone() { is_done || printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "$url" "$bytes" "$sha" "$licence" "$rule" >>"$work/todo"; }

state_of_row()
{
	is_done && state=there || state=missing
	printf '%s\t%s\t%s\t%s\n' "$name" "$bytes" "$state" "$licence"
}

list()
{
	for_each state_of_row "$work/chosen" | awk -F '\t' -v OFS='\t' '
	!($1 in rows) { order[++n] = $1 }
	{ rows[$1]++; bytes[$1] += $2; there[$1] += $3 == "there"; licence[$1] = $5 == "" ? $4 : $5 }
	$2 == "-" { unknown[$1] = 1 }
	END {
		for (i = 1; i <= n; i++) {
			name = order[i]
			state = there[name] == rows[name] ? "there" : there[name] ? "in part" : "missing"
			print name, (name in unknown ? "-" : sprintf("%.0f", bytes[name])), state, licence[name]
		}
	}'
}

show_todo()
{
	if is_fetched; then
		say "$name: '$base' is there, and not yet unpacked or shaped"
	elif [ "$kind" = file ]; then
		printf '%s\t%s\t%s\t%s\n' "$name" "$bytes" "$url" "$target"
	else
		printf '%s\t%s\t%s\t%s\n' "$name" "$bytes" "$url" "$into/$outer"
	fi
}

# What is unpacked or shaped takes about three times the archive again.
check_space()
{
	need=$(awk -F '\t' '$3 != "-" { sum += $3 * ($6 ~ /^file [^ ]*$/ ? 1 : 4) } END { printf "%.0f", sum / 1024 + 1 }' "$work/todo")
	free=$(df -Pk "$into" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$need" ] || die 1 "too little room in '$into': about $((need / 1024 + 1)) MB wanted, $((free / 1024)) MB free"
}

show_terms()
{
	say 'The data belong to others. By fetching them you accept their terms:'
	awk -F '\t' '!seen[$1]++ { print "  " $1 ": " $5 }' "$work/todo" >&2
}

run()
{
	[ "$mode" != list ] || { list; return; }
	: >"$work/todo"
	for_each note_if_undone "$work/chosen"
	if [ ! -s "$work/todo" ]; then
		say "all there in '$into'"
	elif [ "$mode" = dry-run ]; then
		for_each show_todo "$work/todo"
	else
		mkdir -p "$into" || die 1 "cannot make '$into'"
		check_space
		show_terms
		for_each get "$work/todo"
		say "done: --data '$into'"
	fi
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'die 130 "stopped; what came is kept: run again to go on"' INT TERM
while [ $# -gt 0 ]; do
	case $1 in
	--into | --manifest)
		[ $# -gt 1 ] || die 2 "option '$1' wants a value"
		[ "$1" = --into ] && into=$2 || manifest=$2
		shift
		;;
	--list | --dry-run) mode=${1#--} ;;
	-h | --help)
		usage
		exit 0
		;;
	-*) die 2 "unknown option '$1' (known: --into --list --dry-run --manifest --help)" ;;
	*) break ;;
	esac
	shift
done
case $into in /*) ;; *) into=$PWD/$into ;; esac
check_manifest
choose_rows "$@"
run
