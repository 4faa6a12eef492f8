/* A tiny ERASER data set and a tiny model that reads it, for tests of what explains. */
#ifndef ADAPLER_SMALL_ERASER_H
#define ADAPLER_SMALL_ERASER_H

#include "../eraser/explain.h"
#include "data_files.h"
#include "small_training.h"

#define SMALL_DOCUMENTS                                               \
	"{\"docid\": \"d\", \"document\": \"a b c a b\\nc c b a a b\"}\n" \
	"{\"docid\": \"e\", \"document\": \"b a\"}\n"                     \
	"{\"docid\": \"f\", \"document\": \"c b a b c b a b c b a b c b a b c b a b\"}\n"
#define SMALL_ANNOTATIONS                                                                                            \
	"{\"annotation_id\": \"1\", \"query\": \"a\", \"classification\": \"yes\", \"evidences\": [[{\"docid\": \"d\", " \
	"\"start_token\": 2, \"end_token\": 6}]]}\n"                                                                     \
	"{\"annotation_id\": \"2\", \"query\": \"a\", \"classification\": \"no\", \"evidences\": [[]], \"docids\": "     \
	"[\"e\"]}\n"                                                                                                     \
	"{\"annotation_id\": \"3\", \"query\": \"a\", \"classification\": \"perhaps\", \"evidences\": [[{\"docid\": "    \
	"\"f\", "                                                                                                        \
	"\"start_token\": 9, \"end_token\": 13}, {\"docid\": \"f\", \"start_token\": 11, \"end_token\": 15}]]}\n"

struct small_eraser {
	const char *model; /* with contribution predictors */
	const char *data;
	struct tokenizer *tokenizer;
	struct instances instances;
};

/* Paths stay for as long as the struct. */
static inline int small_eraser_open(struct small_eraser *s, const struct instances_options *o)
{
	static char model[4096], data[4096];
	const struct tiny_shape shape = {.seed = 3, .K = 5, .L = 3};
	const struct instances_options plain = {.max_length = TINY_P};
	struct err e = {0};
	snprintf(model, sizeof model, "%s", tiny_model("model", &shape));
	put("data/docs.jsonl", SMALL_DOCUMENTS);
	put("data/test.jsonl", SMALL_ANNOTATIONS);
	snprintf(data, sizeof data, "%s", test_path("data"));
	*s = (struct small_eraser){.model = model, .data = data};
	return CHECK_OK(tokenizer_open(&s->tokenizer, model, &e), &e) &&
	       CHECK_OK(instances_open(&s->instances, data, "test", s->tokenizer, o ? o : &plain, &e), &e);
}

static inline void small_eraser_close(struct small_eraser *s)
{
	instances_close(&s->instances);
	tokenizer_close(s->tokenizer);
}

#endif
