#include "data_files.h"

#include "../eraser/predictions.h"

#include <math.h>

static const char *refusal_of(const char *line)
{
	static struct err e;
	static char text[1024];
	struct predictions p;
	const struct predicted *x;
	int code;
	e = (struct err){0};
	snprintf(text, sizeof text, "{\"annotation_id\": \"first\", \"rationales\": []}\n%s\n", line);
	const char *path = put("p.jsonl", text);
	CHECK_OK(predictions_open(&p, path, 0, &e), &e);
	CHECK_OK(predictions_next(&p, &x, &e), &e);
	code = predictions_next(&p, &x, &e);
	CHECK(code == ERR_FORMAT && !x);
	predictions_close(&p);
	return strstr(e.text, "p.jsonl:") ? strstr(e.text, "p.jsonl:") + 8 : e.text;
}

TEST(an_instance_is_read_whole_and_the_next_replaces_it)
{
	struct err e = {0};
	struct predictions p;
	const struct predicted *x;
	REQUIRE_OK(
		predictions_open(
			&p,
			put("ok.jsonl", "{\"annotation_id\": \"a\", \"rationales\": [{\"docid\": \"d\", "
	                        "\"hard_rationale_predictions\": [{\"start_token\": 1, "
	                        "\"end_token\": 4, \"more\": 0}], \"soft_rationale_predictions\": [0.5, 1], "
	                        "\"soft_sentence_predictions\": null}], "
	                        "\"classification\": \"POS\", \"classification_scores\": {\"NEG\": 0.25, \"POS\": 0.75}, "
	                        "\"tokens_to_flip\": 3, "
	                        "\"thresholded_scores\": [{\"threshold\": 0.1, "
	                        "\"comprehensiveness_classification_scores\": {\"POS\": 0.5}, "
	                        "\"sufficiency_classification_scores\": {\"POS\": 1}}], \"unknown\": [{}, \"x\", true]}\n\n"
	                        "{\"annotation_id\": \"b\", \"rationales\": []}"),
			0, &e),
		&e);
	REQUIRE_OK(predictions_next(&p, &x, &e), &e);
	REQUIRE(x && x->documents == 1 && x->thresholds == 1);
	const struct predicted_document *d = &x->document[0];
	CHECK(d->spans == 1 && d->span[0][0] == 1 && d->span[0][1] == 4);
	CHECK(d->scores == 2 && d->score[1] == 1 && d->sentences == -1);
	CHECK_STR(x->label, "POS");
	CHECK_NEAR(class_score_of(&x->classes, "POS"), 0.75, 0);
	CHECK(isnan(class_score_of(&x->classes, "no")) && x->without.count == -1);
	CHECK_NEAR(x->threshold[0].alone.item[0].value, 1, 0);
	CHECK(x->has_tokens_to_flip);
	REQUIRE_OK(predictions_next(&p, &x, &e), &e);
	REQUIRE(x != NULL);
	CHECK_STR(x->annotation, "b");
	CHECK(x->line == 3 && !x->label && x->thresholds == -1);
	REQUIRE_OK(predictions_next(&p, &x, &e), &e);
	CHECK(x == NULL);
	predictions_close(&p);
}

#define WITH(more) "{\"annotation_id\": \"a\", \"rationales\": [{\"docid\": \"d\"}], " more "}"

TEST(faults_name_file_line_and_field)
{
	CHECK_STR(refusal_of("{\"rationales\": []}"), "2: no annotation_id");
	CHECK_STR(refusal_of("{\"annotation_id\": \"a\"}"), "2: no rationales");
	CHECK_STR(refusal_of("{\"annotation_id\": 1, \"rationales\": []}"), "2:annotation_id: expected a text");
	CHECK_STR(refusal_of("{\"annotation_id\": \"a\", \"rationales\": [{}]}"), "2:rationales[0]: docid is missing");
	CHECK_STR(refusal_of(WITH("\"rationales\": []")), "2:rationales: the field is there twice");
	CHECK_STR(refusal_of(WITH("\"classification_scores\": {\"A\": 1, \"A\": 2}")),
	          "2:classification_scores.A: the label is there twice");
	CHECK_STR(refusal_of(WITH("\"classification_scores\": {\"A\": \"x\"}")),
	          "2:classification_scores.A: expected a number");
	CHECK_STR(refusal_of(WITH("\"classification_scores\": {\"A\": NaN}")),
	          "2:classification_scores.A: NaN or Infinity, which JSON does not have");
	CHECK_STR(refusal_of(WITH("\"thresholded_scores\": [{}]")), "2:thresholded_scores[0]: threshold is missing");
	CHECK_STR(
		refusal_of("{\"annotation_id\": \"a\", \"rationales\": [{\"docid\": \"d\", \"hard_rationale_predictions\": "
	               "[{\"start_token\": 1}]}]}"),
		"2:rationales[0].hard_rationale_predictions[0]: start_token or end_token is missing");
	CHECK_STR(
		refusal_of("{\"annotation_id\": \"a\", \"rationales\": [{\"docid\": \"d\", \"hard_rationale_predictions\": "
	               "[{\"start_token\": 1.5, \"end_token\": 2}]}]}"),
		"2:rationales[0].hard_rationale_predictions[0].start_token: expected a whole number");
	CHECK_STR(
		refusal_of(
			"{\"annotation_id\": \"a\", \"rationales\": [{\"docid\": \"d\", \"soft_rationale_predictions\": [0.1, 0."),
		"2:rationales[0].soft_rationale_predictions[1]: a broken number");
	CHECK_CONTAINS(refusal_of("[]"), "2: expected an object");
}

TEST(an_empty_file_is_refused)
{
	struct err e = {0};
	struct predictions p;
	CHECK(predictions_open(&p, put("empty.jsonl", ""), 0, &e) == ERR_FORMAT);
	CHECK_CONTAINS(e.text, "is empty");
	predictions_close(&p);
}
