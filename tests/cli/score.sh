# The benchmark's scores on a data set made here: the flags of its own scorer, its refusals, and what --strict tells.
mkdir d
printf '%s\n' '{"docid": "x", "document": "a b c d e f g h"}' '{"docid": "y", "document": "a b c d"}' >d/docs.jsonl
printf '%s\n' '{"annotation_id": "1", "query": "q", "classification": "POS", "evidences": [[{"docid": "x", "start_token": 0, "end_token": 4}]]}' \
	'{"annotation_id": "2", "query": "q", "classification": "NEG", "evidences": [[{"docid": "y", "start_token": 1, "end_token": 3}]]}' >d/test.jsonl
classes() { printf '"%s": {"NEG": %s, "POS": %s}' "$1" "$2" "$3"; }
both() { classes comprehensiveness_classification_scores "$1" "$2"; printf ', '; classes sufficiency_classification_scores "$2" "$1"; }
line() { # id doc hard soft label
	printf '{"annotation_id": "%s", "rationales": [{"docid": "%s", "hard_rationale_predictions": [%s], "soft_rationale_predictions": [%s]}], ' "$1" "$2" "$3" "$4"
	printf '"classification": "%s", %s, %s, "thresholded_scores": [{"threshold": 0.1, %s}, {"threshold": 0.5, %s}]}\n' "$5" \
		"$(classes classification_scores 0.25 0.75)" "$(both 0.5 0.5)" "$(both 0.5 0.5)" "$(both 0.75 0.25)"
}
eight=0.8,0.7,0.6,0.5,0.4,0.3,0.2,0.1
{
	line 1 x '{"start_token": 0, "end_token": 2}, {"start_token": 2, "end_token": 4}' $eight POS
	line 2 y '{"start_token": 3, "end_token": 4}' 0.1,0.2,0.3,0.4 POS
} >p.jsonl
on='--data_dir d --split test --results'
"$ADAPLER" score $on p.jsonl --iou_thresholds 0.5 0.9 --aopc_thresholds 0.1 0.5 --bounded --score_file s.json
"$ADAPLER" score $on p.jsonl --iou_thresholds 0.5,0.9 --aopc_thresholds=0.1,0.5 --bounded | cmp - s.json && echo same
"$ADAPLER" score $on p.jsonl --aopc_thresholds 0.1 0.5 --strict >/dev/null && echo 'nothing to tell'

echo '-- refused'
refused() { "$ADAPLER" score "$@" 2>&1; echo "status $?"; }
refused $on p.jsonl
refused $on none.jsonl
refused --data_dir d --split dev --results p.jsonl
refused --data_dir d --split test
refused $on p.jsonl --strict --compat eraser
refused $on p.jsonl --iou_thresholds 50
head -c 300 p.jsonl >cut.jsonl
refused $on cut.jsonl
sed 's/0.6/NaN/' p.jsonl >nan.jsonl
refused $on nan.jsonl
sed 's/"x"/"z"/' p.jsonl >unknown.jsonl
refused $on unknown.jsonl
: >empty.jsonl
refused $on empty.jsonl

echo '-- strict'
{ sed 's/"end_token": 2}/"end_token": 9}/; s/0.25, "POS": 0.75/0.75, "POS": 0.75/; s/0.7,/NaN,/' p.jsonl; line 3 x '' $eight POS; } >bad.jsonl
refused $on bad.jsonl --aopc_thresholds 0.1 0.5 --strict

echo '-- silences'
{
	line 1 x '' $eight POS
	line 2 y '{"start_token": 3, "end_token": 4}' 0.1,0.2,0.3,0.4 POS
} >first.jsonl
keys() { "$ADAPLER" score $on "$@" --aopc_thresholds 0.1 0.5 | grep '^    "' | cut -d '"' -f 2 | paste -s -d ' ' -; }
keys first.jsonl
keys first.jsonl --compat eraser
true
