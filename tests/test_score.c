/* The scorer: golden numbers of the benchmark's own, worked examples, properties, and what it refuses. */
#include "data_files.h"

#include "../engine/base/buf.h"
#include "../engine/base/json.h"
#include "../eraser/score.h"

#include <math.h>

struct scored {
	struct err e;
	int code, faults;
	char fault[4096]; /* all of them, a line each */
	cJSON *json;
};

static void note(void *arg, const char *text)
{
	struct scored *s = arg;
	const size_t used = strlen(s->fault);
	const char *at = strrchr(text, '/');
	snprintf(s->fault + used, sizeof s->fault - used, "%s\n", at ? at + 1 : text);
}

static int add_all(struct score *s, const char *path, int allow_nan, struct err *e)
{
	struct predictions p;
	const struct predicted *x = NULL;
	int code = predictions_open(&p, path, allow_nan, e);
	while (!code && !(code = predictions_next(&p, &x, e)) && x)
		code = score_add(s, x, path, e);
	predictions_close(&p);
	return code;
}

/* Scores `results` against folder/test.jsonl. The caller deletes json. */
static struct scored score_files(const char *folder, const char *results, struct score_options o)
{
	struct scored out = {.json = NULL};
	struct annotations truth = {0};
	struct documents *documents = NULL;
	struct score *s = NULL;
	struct buf json = {0};
	char path[4096];
	static struct scored *current;
	current = &out;
	o.fault = note;
	o.arg = current;
	snprintf(path, sizeof path, "%s/test.jsonl", folder);
	out.code = annotations_open(&truth, path, &out.e);
	if (!out.code)
		out.code = documents_open(&documents, folder, &out.e);
	if (!out.code)
		out.code = score_open(&s, &truth, documents, &o, &out.e);
	if (!out.code)
		out.code = add_all(s, results, o.mode != SCORE_DEFAULT, &out.e);
	if (!out.code)
		out.code = score_write(s, &json, &out.e);
	out.faults = s ? score_faults(s) : 0;
	if (!out.code)
		out.json = json_parse(json.data, json.size, "scores", &out.e);
	score_close(s);
	documents_close(documents);
	annotations_close(&truth);
	buf_free(&json);
	return out;
}

static const struct score_options plain = {.iou = {0.5}, .ious = 1, .aopc = {0.1, 0.5}, .aopcs = 2};

/* "token_prf/instance_micro/p"; NaN for null. */
static double at(const cJSON *json, const char *path)
{
	char name[64];
	const cJSON *x = json;
	for (const char *from = path; *from && x;) {
		const size_t n = strcspn(from, "/");
		snprintf(name, sizeof name, "%.*s", (int)n, from);
		x = cJSON_IsArray(x) ? cJSON_GetArrayItem(x, name[0] - '0') : cJSON_GetObjectItemCaseSensitive(x, name);
		from += n + (from[n] == '/');
	}
	if (!CHECK(cJSON_IsNumber(x) || cJSON_IsNull(x)))
		test_fail(__FILE__, __LINE__, "no number at %s", path);
	return cJSON_IsNumber(x) ? x->valuedouble : NAN;
}

/* ---- the benchmark's own numbers ---- */

static void compare(const cJSON *found, const cJSON *golden, const char *name)
{
	const cJSON *item;
	int i = 0;
	if (cJSON_IsNumber(golden)) {
		if (!cJSON_IsNumber(found) || fabs(found->valuedouble - golden->valuedouble) > 1e-12)
			test_fail(__FILE__, __LINE__, "%s is %.17g, not %.17g", name, found ? found->valuedouble : NAN,
			          golden->valuedouble);
		return;
	}
	if (!found || cJSON_GetArraySize(found) != cJSON_GetArraySize(golden)) {
		test_fail(__FILE__, __LINE__, "%s has other members", name);
		return;
	}
	cJSON_ArrayForEach(item, golden)
	{
		compare(cJSON_IsArray(golden) ? cJSON_GetArrayItem(found, i++)
		                              : cJSON_GetObjectItemCaseSensitive(found, item->string),
		        item, item->string ? item->string : name);
	}
}

static void check_golden(const char *predictions, const char *scores, enum score_mode mode)
{
	struct err e = {0};
	char folder[4096], results[4096];
	const char *shared = test_shared("goldens/eraser");
	if (!shared)
		return;
	snprintf(folder, sizeof folder, "%s/data", shared);
	snprintf(results, sizeof results, "%s/%s", shared, predictions);
	struct scored s = score_files(
		folder, results,
		(struct score_options){
			.mode = mode, .iou = {0.1, 0.5, 0.9}, .ious = 3, .aopc = {0.01, 0.05, 0.1, 0.2, 0.5}, .aopcs = 5});
	snprintf(results, sizeof results, "%s/%s", test_shared("goldens/eraser"), scores);
	cJSON *golden = json_parse_file(results, &e);
	if (CHECK_OK(s.code, &s.e) && CHECK(golden != NULL))
		compare(s.json, golden, "scores");
	cJSON_Delete(golden);
	cJSON_Delete(s.json);
}

TEST(the_benchmark_s_numbers_come_out)
{
	check_golden("pred.jsonl", "scores.json", SCORE_DEFAULT);
}

TEST(so_do_they_where_an_empty_list_silences_it)
{
	check_golden("pred_firstempty.jsonl", "scores_firstempty.json", SCORE_COMPAT);
}

/* ---- by hand ---- */

#define DOC(id, text) "{\"docid\": \"" id "\", \"document\": \"" text "\"}\n"
#define SPAN(s, e)    "{\"start_token\": " #s ", \"end_token\": " #e "}"
#define TRUTH(id, doc, label, spans)                                                                               \
	"{\"annotation_id\": \"" id "\", \"query\": \"q\", \"classification\": \"" label "\", \"evidences\": [[" spans \
	"]]}\n"
#define EVIDENCE(doc, s, e) "{\"docid\": \"" doc "\", \"start_token\": " #s ", \"end_token\": " #e "}"
#define PRED(id, doc, hard, soft, more)                                                                                \
	"{\"annotation_id\": \"" id "\", \"rationales\": [{\"docid\": \"" doc "\", \"hard_rationale_predictions\": [" hard \
	"], \"soft_rationale_predictions\": [" soft "]}]" more "}\n"

static const char *small_data(void)
{
	put("s/docs.jsonl", DOC("d", "a b c d e f g h") DOC("e", "a b c d") DOC("f", "x y"));
	put("s/test.jsonl", TRUTH("1", "d", "POS", EVIDENCE("d", 0, 4)) TRUTH("2", "e", "NEG", EVIDENCE("e", 1, 3)));
	return test_path("s");
}

static struct scored score_small(const char *predictions, struct score_options o)
{
	char folder[4096];
	snprintf(folder, sizeof folder, "%s", small_data());
	return score_files(folder, put("preds.jsonl", predictions), o);
}

#define SOFT_8 "0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1"
#define SOFT_4 "0.1, 0.2, 0.3, 0.4"

/* Key 1: predicted [0,2) and [2,4), true [0,4). Key 2: predicted [3,4), true [1,3).
 * Tokens: common 4 + 0; predicted 4 + 1; true 4 + 2. Spans: none the same; predicted 3, true 2. */
TEST(tokens_and_spans_by_hand)
{
	struct scored s =
		score_small(PRED("1", "d", SPAN(0, 2) ", " SPAN(2, 4), SOFT_8, "") PRED("2", "e", SPAN(3, 4), SOFT_4, ""),
	                (struct score_options){.iou = {0.5}, .ious = 1, .bounded = 1});
	REQUIRE_OK(s.code, &s.e);
	CHECK_NEAR(at(s.json, "token_prf/instance_micro/p"), 4.0 / 5, 1e-15);
	CHECK_NEAR(at(s.json, "token_prf/instance_micro/r"), 4.0 / 6, 1e-15);
	CHECK_NEAR(at(s.json, "token_prf/instance_micro/f1"), 2 * 0.8 * (4.0 / 6) / (0.8 + 4.0 / 6), 1e-15);
	CHECK_NEAR(at(s.json, "token_prf/instance_macro/p"), 0.5, 1e-15);
	CHECK_NEAR(at(s.json, "token_prf/instance_macro/f1"), 0.5, 1e-15);
	CHECK_NEAR(at(s.json, "rationale_prf/instance_micro/f1"), 0, 0);
	/* Both halves overlap [0,4) by exactly a half: two hits on one truth, so recall 2 of 1 in that key, 2 of 2 pooled. */
	CHECK_NEAR(at(s.json, "iou_scores/0/micro/p"), 2.0 / 3, 1e-15);
	CHECK_NEAR(at(s.json, "iou_scores/0/micro/r"), 1, 0);
	CHECK_NEAR(at(s.json, "iou_scores/0/macro/r"), 1, 0); /* (2/1 + 0/1) / 2 */
	CHECK_NEAR(at(s.json, "iou_scores_bounded/0/micro/p"), 1.0 / 3, 1e-15);
	CHECK_NEAR(at(s.json, "iou_scores_bounded/0/micro/r"), 0.5, 0);
	cJSON_Delete(s.json);
}

/* Key 1 is in perfect order: 1. Key 2 from the top: false, true, true, false: AP = 1/2 * 1/2 + 1/2 * 2/3 = 7/12;
 * pairs in order: 2 of 4. */
TEST(soft_scores_by_hand)
{
	struct scored s = score_small(PRED("1", "d", "", SOFT_8, "") PRED("2", "e", "", SOFT_4, ""), plain);
	REQUIRE_OK(s.code, &s.e);
	CHECK_NEAR(at(s.json, "token_soft_metrics/average_precision"), (1 + 7.0 / 12) / 2, 1e-15);
	CHECK_NEAR(at(s.json, "token_soft_metrics/roc_auc_score"), (1 + 0.5) / 2, 1e-15);
	/* From (0, 1): to (0, 0), (1/2, 1/2), (1, 2/3): 1/8 + 7/24. */
	CHECK_NEAR(at(s.json, "token_soft_metrics/auprc"), (1 + (0.5 * 0.5 / 2 + 0.5 * (0.5 + 2.0 / 3) / 2)) / 2, 1e-15);
	CHECK(!cJSON_GetObjectItem(s.json, "token_prf") && !cJSON_GetObjectItem(s.json, "classification_scores"));
	cJSON_Delete(s.json);
}

#define CLASSES(name, neg, pos) ", \"" name "\": {\"NEG\": " #neg ", \"POS\": " #pos "}"
#define THRESHOLD(t, without, alone)                                                                               \
	"{\"threshold\": " #t ", \"comprehensiveness_classification_scores\": {\"NEG\": 0.5, \"POS\": " #without "}, " \
	"\"sufficiency_classification_scores\": {\"NEG\": 0.5, \"POS\": " #alone "}}"
#define POS_OF(p, q, without, alone)                                                                          \
	", \"classification\": \"POS\"" CLASSES("classification_scores", q, p)                                    \
		CLASSES("comprehensiveness_classification_scores", 0.5, without)                                      \
			CLASSES("sufficiency_classification_scores", 0.5, alone) ", \"thresholded_scores\": [" THRESHOLD( \
				0.1, without, alone) ", " THRESHOLD(0.5, 0.25, 0.5) "]"

/* Both predicted POS, truths POS and NEG; probability 0.75, of each perturbed 0.5 of (0.5, 0.5). */
TEST(classes_and_faithfulness_by_hand)
{
	struct scored s = score_small(PRED("1", "d", "", SOFT_8, POS_OF(0.75, 0.25, 0.5, 0.5))
	                                  PRED("2", "e", "", SOFT_4, POS_OF(0.75, 0.25, 0.5, 0.5)),
	                              plain);
	REQUIRE_OK(s.code, &s.e);
	const double h = -(0.75 * log(0.75) + 0.25 * log(0.25));
	CHECK_NEAR(at(s.json, "classification_scores/accuracy"), 0.5, 0);
	CHECK_NEAR(at(s.json, "classification_scores/prf/POS/precision"), 0.5, 0);
	CHECK_NEAR(at(s.json, "classification_scores/prf/NEG/f1-score"), 0, 0);
	CHECK_NEAR(at(s.json, "classification_scores/prf/macro avg/recall"), 0.5, 0);
	CHECK_NEAR(at(s.json, "classification_scores/comprehensiveness"), 0.25, 1e-15);
	CHECK_NEAR(at(s.json, "classification_scores/comprehensiveness_entropy"), h - log(2), 1e-15);
	CHECK_NEAR(at(s.json, "classification_scores/sufficiency_kl"), 0.5 * log(0.5 / 0.25) + 0.5 * log(0.5 / 0.75),
	           1e-15);
	CHECK_NEAR(at(s.json, "classification_scores/comprehensiveness_aopc"), (0.25 + 0.5) / 2, 1e-15);
	CHECK_NEAR(at(s.json, "classification_scores/comprehensiveness_aopc_points/1"), 0.5, 1e-15);
	CHECK_NEAR(at(s.json, "classification_scores/sufficiency_aopc_points/1"), 0.25, 1e-15);
	cJSON_Delete(s.json);
}

/* ---- properties ---- */

TEST(a_perfect_prediction_scores_1_everywhere)
{
	struct scored s = score_small(PRED("1", "d", SPAN(0, 4), "1, 1, 1, 1, 0, 0, 0, 0", "")
	                                  PRED("2", "e", SPAN(1, 3), "0, 1, 1, 0", ""),
	                              (struct score_options){.iou = {1}, .ious = 1, .bounded = 1});
	REQUIRE_OK(s.code, &s.e);
	static const char *const ones[] = {"token_prf/instance_micro/f1",     "token_prf/instance_macro/f1",
	                                   "rationale_prf/instance_micro/f1", "iou_scores/0/micro/f1",
	                                   "iou_scores/0/macro/f1",           "iou_scores_bounded/0/micro/f1",
	                                   "token_soft_metrics/auprc",        "token_soft_metrics/average_precision",
	                                   "token_soft_metrics/roc_auc_score"};
	for (size_t i = 0; i < sizeof ones / sizeof *ones; i++)
		CHECK_NEAR(at(s.json, ones[i]), 1, 0);
	cJSON_Delete(s.json);
}

TEST(the_order_of_instances_does_not_matter)
{
#define FIRST  PRED("1", "d", SPAN(0, 3), SOFT_8, POS_OF(0.75, 0.25, 0.4, 0.5))
#define SECOND PRED("2", "e", SPAN(2, 4), SOFT_4, POS_OF(0.6, 0.4, 0.5, 0.3))
	struct scored a = score_small(FIRST SECOND, plain), b = score_small(SECOND FIRST, plain);
	REQUIRE_OK(a.code, &a.e);
	REQUIRE_OK(b.code, &b.e);
	compare(a.json, b.json, "scores");
	cJSON_Delete(a.json);
	cJSON_Delete(b.json);
}

TEST(an_annotation_without_a_prediction_is_recall_0)
{
	struct scored s = score_small(PRED("1", "d", SPAN(0, 4), SOFT_8, ""), plain);
	REQUIRE_OK(s.code, &s.e);
	CHECK_NEAR(at(s.json, "token_prf/instance_micro/r"), 4.0 / 6, 1e-15);
	CHECK_NEAR(at(s.json, "token_prf/instance_macro/r"), 0.5, 0);
	CHECK_NEAR(at(s.json, "iou_scores/0/macro/p"), 1, 0);
	CHECK_NEAR(at(s.json, "iou_scores/0/macro/r"), 0.5, 0);
	cJSON_Delete(s.json);
}

TEST(a_prediction_on_another_document_is_a_key_without_truth)
{
	struct scored s =
		score_small(PRED("1", "f", SPAN(0, 1), "0.1, 0.2", "") PRED("2", "e", SPAN(1, 3), SOFT_4, ""), plain);
	REQUIRE_OK(s.code, &s.e);
	CHECK_NEAR(at(s.json, "token_prf/instance_macro/p"), 1.0 / 3, 1e-15); /* keys: 1 f, 1 d, 2 e */
	CHECK_NEAR(at(s.json, "token_soft_metrics/auprc"), (0.5 + (0.125 + 7.0 / 24)) / 2, 1e-15);
	cJSON_Delete(s.json);
}

TEST(an_empty_first_list_is_scored_unless_the_benchmark_s_silence_is_wanted)
{
#define EMPTY_FIRST PRED("1", "d", "", SOFT_8, "") PRED("2", "e", SPAN(1, 3), SOFT_4, "")
	struct scored s = score_small(EMPTY_FIRST, plain);
	REQUIRE_OK(s.code, &s.e);
	CHECK_NEAR(at(s.json, "token_prf/instance_micro/p"), 1, 0);
	cJSON_Delete(s.json);
	s = score_small(EMPTY_FIRST, (struct score_options){.mode = SCORE_COMPAT, .iou = {0.5}, .ious = 1});
	REQUIRE_OK(s.code, &s.e);
	CHECK(!cJSON_GetObjectItem(s.json, "token_prf") && cJSON_GetObjectItem(s.json, "token_soft_metrics"));
	cJSON_Delete(s.json);
}

/* ---- what is refused, and what only the strict mode tells ---- */

static const char *refusal_of(const char *predictions)
{
	static struct scored s;
	s = score_small(predictions, plain);
	CHECK(s.code == ERR_FORMAT && !s.json);
	const char *slash = strrchr(s.e.text, '/');
	return slash ? slash + 1 : s.e.text;
}

TEST(what_the_benchmark_refuses_is_refused_with_file_line_and_field)
{
	CHECK_STR(refusal_of(PRED("1", "d", SPAN(0, 9), SOFT_8, "")),
	          "preds.jsonl:1:rationales[0].hard_rationale_predictions[0]: [0,9) is past the end of document 'd', which "
	          "has 8 tokens");
	CHECK_STR(refusal_of(PRED("1", "d", SPAN(0, 3) ", " SPAN(2, 4), SOFT_8, "")),
	          "preds.jsonl:1:rationales[0].hard_rationale_predictions[1]: [2,4) overlaps [0,3)");
	CHECK_STR(refusal_of(PRED("1", "d", "", SOFT_4, "")),
	          "preds.jsonl:1:rationales[0].soft_rationale_predictions: expected 8 scores for document 'd', found 4");
	CHECK_STR(refusal_of(PRED("1", "none", "", SOFT_4, "")), "preds.jsonl:1:rationales[0].docid: no document 'none'");
	CHECK_STR(refusal_of(PRED("1", "d", "", SOFT_8, "") PRED("1", "d", "", SOFT_8, "")),
	          "preds.jsonl:2:annotation_id: annotation '1' is predicted twice");
	CHECK_STR(refusal_of(PRED("1", "d", "", SOFT_8, ", \"classification\": \"POS\"")),
	          "preds.jsonl:1:classification_scores: a class and its probabilities come together or not at all");
	CHECK_STR(refusal_of(PRED("1", "d", "", SOFT_8,
	                          ", \"classification\": \"MAYBE\"" CLASSES("classification_scores", 0.5, 0.5))),
	          "preds.jsonl:1:classification_scores: no probability of the predicted class 'MAYBE'");
	CHECK_STR(refusal_of(PRED("1", "d", "", SOFT_8,
	                          ", \"classification\": \"POS\"" CLASSES("classification_scores", 0.5, 0.5))),
	          "test.jsonl:2:annotation_id: annotation '2' is not predicted");
	CHECK_STR(refusal_of(PRED("1", "d", "", SOFT_8, "") PRED("2", "e", "", SOFT_4, POS_OF(0.75, 0.25, 0.5, 0.5))),
	          "preds.jsonl:2:classification: the first instance has none");
}

static const char *faults_of(const char *predictions)
{
	static struct scored s;
	s = score_small(predictions, (struct score_options){.mode = SCORE_STRICT, .iou = {0.5}, .ious = 1});
	CHECK_OK(s.code, &s.e);
	cJSON_Delete(s.json);
	return s.fault;
}

#define SECOND_FINE PRED("2", "e", SPAN(1, 3), SOFT_4, "")

TEST(every_trap_is_told_in_strict_mode)
{
	CHECK_STR(faults_of(PRED("1", "d", SPAN(0, 4), SOFT_8, "") SECOND_FINE), "");
	CHECK_STR(faults_of(PRED("1", "d", "", SOFT_8, "") SECOND_FINE),
	          "preds.jsonl:1:rationales[0].hard_rationale_predictions: empty in the first instance: the benchmark's "
	          "scorer then "
	          "scores no hard prediction at all\n");
	CHECK_STR(faults_of(PRED("1", "d", SPAN(-2, 4), SOFT_8, "") SECOND_FINE),
	          "preds.jsonl:1:rationales[0].hard_rationale_predictions[0]: [-2,4) begins before the document\n");
	CHECK_STR(faults_of(PRED("1", "d", SPAN(4, 2), SOFT_8, "") SECOND_FINE),
	          "preds.jsonl:1:rationales[0].hard_rationale_predictions[0]: [4,2) is empty or reversed\n");
	CHECK_STR(faults_of(PRED("1", "d", SPAN(0, 4), SOFT_8, "")),
	          "test.jsonl:2:annotation_id: annotation '2' is not predicted\n");
	CHECK_CONTAINS(faults_of(PRED("1", "d", SPAN(0, 4), SOFT_8, "") SECOND_FINE PRED("9", "d", SPAN(0, 1), SOFT_8, "")),
	               "test.jsonl'\n");
	CHECK_STR(faults_of("{\"annotation_id\": \"1\", \"rationales\": [{\"docid\": \"e\"}, {\"docid\": \"e\"}]}\n"
	                    "{\"annotation_id\": \"2\", \"rationales\": [{\"docid\": \"e\"}]}\n"),
	          "preds.jsonl:1:rationales[1].docid: document 'e' is there twice\n");
	CHECK_CONTAINS(faults_of(PRED("1", "d", SPAN(0, 4), "NaN, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1", "") SECOND_FINE),
	               "preds.jsonl:1:rationales[0].soft_rationale_predictions[0]: not a finite number\n");
	CHECK_CONTAINS(faults_of(PRED("1", "d", SPAN(0, 4), SOFT_8, POS_OF(0.7, 0.7, 0.5, 0.5))),
	               "preds.jsonl:1:classification_scores: probabilities sum to 1.4, not to 1\n");
	CHECK_CONTAINS(faults_of(PRED("1", "d", SPAN(0, 4), SOFT_8, POS_OF(1.25, -0.25, 0.5, 0.5))),
	               "preds.jsonl:1:classification_scores: the probability of 'NEG' is -0.25\n");
	CHECK_CONTAINS(faults_of(PRED("1", "d", SPAN(0, 4), SOFT_8,
	                              ", \"classification\": \"POS\"" CLASSES("classification_scores", 0.5, 0.5)
	                                  CLASSES("comprehensiveness_classification_scores", 0.5, 0.5)
	                                      CLASSES("sufficiency_classification_scores", 0.5,
	                                              0.5) ", \"thresholded_scores\": [" THRESHOLD(50, 0.5, 0.5) "]")),
	               "preds.jsonl:1:thresholded_scores: threshold 50: a share is from 0 to 1, this may be percent\n");
}
