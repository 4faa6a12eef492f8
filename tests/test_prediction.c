/* Predictions written are predictions read. */
#include "data_files.h"

#include "../eraser/prediction.h"
#include "../eraser/predictions.h"

#include <math.h>

TEST(a_written_line_is_read_again)
{
	static float scores[] = {0.5f, NAN, 0.25f, 0.75f}, logits[] = {0, 1};
	static int spans[][2] = {{0, 1}}, window[] = {0, 4}, budget[] = {2};
	static double removed[] = {0.6, 0.7}, alone[] = {0.5, 0.4};
	static char labels[2][LABEL_SIZE] = {"NEG", "POS\"1"};
	const struct rationale_document d = {.tokens = 4,
	                                     .pred = 1,
	                                     .logits = logits,
	                                     .spans = 1,
	                                     .span = spans,
	                                     .windows = 1,
	                                     .window = window,
	                                     .budget = budget,
	                                     .score = scores,
	                                     .removed = removed,
	                                     .alone = alone};
	const struct rationale_facts f = {.classes = 2, .L = 1, .layers = 1, .thresholds = 2, .threshold = {0, 0.5}};
	const struct rationale_document *documents[] = {&d};
	const char *ids[] = {"d/1"};
	struct prediction p = {.annotation = "a",
	                       .count = 1,
	                       .docid = ids,
	                       .document = documents,
	                       .facts = &f,
	                       .budget = BUDGET_REPLAY,
	                       .labels = labels};
	struct buf line = {0};
	struct err e = {0};
	struct predictions all;
	const struct predicted *x;
	REQUIRE_OK(prediction_add(&line, &p, &e), &e);
	REQUIRE_OK(predictions_open(&all, put("p.jsonl", line.data), 0, &e), &e);
	REQUIRE_OK(predictions_next(&all, &x, &e), &e);
	REQUIRE(x && x->documents == 1 && x->thresholds == 1);
	CHECK_STR(x->annotation, "a");
	CHECK_STR(x->document[0].docid, "d/1");
	CHECK(x->document[0].spans == 2 && x->document[0].span[0][0] == 0 && x->document[0].span[0][1] == 1);
	CHECK(x->document[0].span[1][0] == 3 && x->document[0].span[1][1] == 4);
	CHECK_INT(x->document[0].scores, 4);
	CHECK_NEAR(x->document[0].score[1], 0.25, 0); /* without a score: the least there is */
	CHECK_STR(x->label, "POS\"1");
	CHECK_NEAR(class_score_of(&x->classes, "POS\"1"), exp(1) / (1 + exp(1)), 1e-15);
	CHECK_NEAR(class_score_of(&x->without, "NEG"), 0.4, 1e-15);
	CHECK_NEAR(x->threshold[0].threshold, 0.5, 0);
	CHECK_NEAR(class_score_of(&x->threshold[0].alone, "POS\"1"), 0.4, 0);
	predictions_close(&all);
	buf_reset(&line);
	p.budget = BUDGET_COUNT;
	REQUIRE_OK(prediction_add(&line, &p, &e), &e);
	CHECK(!strstr(line.data, "hard_rationale_predictions"));
	buf_free(&line);
}

TEST(an_annotation_of_two_documents_is_one_line)
{
	static float scores[] = {0.5f, 1}, first[] = {0, 3}, second[] = {1, 0};
	static char labels[2][LABEL_SIZE] = {"NEG", "POS"};
	const struct rationale_document a = {.tokens = 2, .pred = 1, .logits = first, .score = scores},
									b = {.tokens = 1, .pred = 0, .logits = second, .score = scores};
	const struct rationale_facts f = {.classes = 2, .L = 1, .layers = 1, .thresholds = 1, .threshold = {0.5}};
	const struct rationale_document *documents[] = {&a, &b};
	const char *ids[] = {"premise", "hypothesis"};
	const struct prediction p = {.annotation = "a",
	                             .count = 2,
	                             .docid = ids,
	                             .document = documents,
	                             .facts = &f,
	                             .budget = BUDGET_COUNT,
	                             .labels = labels};
	struct buf line = {0};
	struct err e = {0};
	struct predictions all;
	const struct predicted *x;
	REQUIRE_OK(prediction_add(&line, &p, &e), &e);
	REQUIRE_OK(predictions_open(&all, put("two.jsonl", line.data), 0, &e), &e);
	REQUIRE_OK(predictions_next(&all, &x, &e), &e);
	REQUIRE(x && x->documents == 2);
	CHECK_STR(x->document[1].docid, "hypothesis");
	CHECK_INT(x->document[1].scores, 1);
	CHECK_STR(x->label, "POS"); /* mean logits 0.5 and 1.5 */
	CHECK_NEAR(class_score_of(&x->classes, "POS"), exp(1.5) / (exp(0.5) + exp(1.5)), 1e-12);
	CHECK_INT(x->thresholds, -1); /* each document was perturbed by itself */
	predictions_close(&all);
	buf_free(&line);
}
