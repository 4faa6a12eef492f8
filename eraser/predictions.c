#include "predictions.h"

#include "../engine/base/utf8.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int predictions_open(struct predictions *p, const char *path, int allow_nan, struct err *e)
{
	*p = (struct predictions){.json = {.path = path, .allow_nan = allow_nan}};
	int code = file_map_open(&p->map, path, e);
	if (!code && !p->map.size)
		code = err_set(e, ERR_FORMAT, "'%s' is empty", path);
	return code;
}

void predictions_close(struct predictions *p)
{
	file_map_close(&p->map);
	json_pull_free(&p->json);
	texts_free(&p->texts);
	*p = (struct predictions){0};
}

double class_score_of(const struct class_scores *c, const char *label)
{
	for (int i = 0; i < c->count; i++)
		if (!strcmp(c->item[i].label, label))
			return c->item[i].value;
	return NAN;
}

/* ---- growing arrays among the texts --------------------------------------------------------------------------- */

/* Room for item `count` of an array in chunks that do not move: doubled by copying. */
static void *room(struct predictions *p, void *array, int count, int *capacity, size_t size)
{
	if (count < *capacity)
		return array;
	const int more = *capacity ? 2 * *capacity : 8;
	void *grown = texts_take(&p->texts, (size_t)more * size, p->json.e);
	if (!grown) {
		p->json.code = ERR_MEMORY;
		return array;
	}
	if (count)
		memcpy(grown, array, (size_t)count * size);
	*capacity = more;
	return grown;
}

static const char *read_text(struct predictions *p)
{
	const char *text;
	size_t size;
	if (!json_pull_text(&p->json, &text, &size))
		return NULL;
	const char *copy = texts_copy(&p->texts, text, size, p->json.e);
	if (!copy)
		p->json.code = ERR_MEMORY;
	return copy;
}

/* ---- parts of an instance ------------------------------------------------------------------------------------- */

static struct class_scores read_classes(struct predictions *p)
{
	struct class_scores c = {.count = -1};
	const char *key;
	int capacity = 0;
	if (json_pull_null(&p->json) || !json_pull_object(&p->json))
		return c;
	c.count = 0;
	while (json_pull_key(&p->json, &key)) {
		struct class_score s = {.label = texts_copy(&p->texts, key, strlen(key), p->json.e)};
		if (!s.label)
			p->json.code = ERR_MEMORY;
		for (int i = 0; i < c.count && s.label; i++)
			if (!strcmp(c.item[i].label, s.label))
				json_pull_fail(&p->json, "the label is there twice");
		json_pull_number(&p->json, &s.value);
		c.item = room(p, c.item, c.count, &capacity, sizeof *c.item);
		if (p->json.code)
			break;
		c.item[c.count++] = s;
	}
	return c;
}

static double *read_numbers(struct predictions *p, int *count)
{
	double *values = NULL, value;
	int capacity = 0;
	*count = -1;
	if (json_pull_null(&p->json) || !json_pull_array(&p->json))
		return NULL;
	*count = 0;
	while (json_pull_item(&p->json) && json_pull_number(&p->json, &value)) {
		values = room(p, values, *count, &capacity, sizeof *values);
		if (p->json.code)
			break;
		values[(*count)++] = value;
	}
	return values;
}

static void read_span(struct predictions *p, int span[2])
{
	const char *key;
	int seen = 0;
	if (!json_pull_object(&p->json))
		return;
	while (json_pull_key(&p->json, &key)) {
		const int is_start = !strcmp(key, "start_token"), is_end = !strcmp(key, "end_token");
		if (is_start || is_end)
			json_pull_integer(&p->json, &span[is_end]);
		else
			json_pull_skip(&p->json);
		seen |= is_start | is_end << 1;
	}
	if (seen != 3)
		json_pull_fail(&p->json, "start_token or end_token is missing");
}

static void read_spans(struct predictions *p, struct predicted_document *d)
{
	int capacity = 0;
	if (json_pull_null(&p->json) || !json_pull_array(&p->json))
		return;
	d->spans = 0;
	while (json_pull_item(&p->json)) {
		d->span = room(p, d->span, d->spans, &capacity, sizeof *d->span);
		if (p->json.code)
			return;
		read_span(p, d->span[d->spans++]);
	}
}

static void read_document(struct predictions *p, struct predicted_document *d)
{
	const char *key;
	*d = (struct predicted_document){.spans = -1, .scores = -1, .sentences = -1};
	if (!json_pull_object(&p->json))
		return;
	while (json_pull_key(&p->json, &key)) {
		if (!strcmp(key, "docid"))
			d->docid = read_text(p);
		else if (!strcmp(key, "hard_rationale_predictions"))
			read_spans(p, d);
		else if (!strcmp(key, "soft_rationale_predictions"))
			d->score = read_numbers(p, &d->scores);
		else if (!strcmp(key, "soft_sentence_predictions"))
			d->sentence = read_numbers(p, &d->sentences);
		else
			json_pull_skip(&p->json);
	}
	if (!d->docid)
		json_pull_fail(&p->json, "docid is missing");
}

static void read_documents(struct predictions *p)
{
	struct predicted *x = &p->item;
	int capacity = 0;
	if (!json_pull_array(&p->json))
		return;
	while (json_pull_item(&p->json)) {
		x->document = room(p, x->document, x->documents, &capacity, sizeof *x->document);
		if (p->json.code)
			return;
		read_document(p, &x->document[x->documents++]);
	}
}

static void read_threshold(struct predictions *p, struct predicted_threshold *t)
{
	const char *key;
	*t = (struct predicted_threshold){NAN, {.count = -1}, {.count = -1}};
	if (!json_pull_object(&p->json))
		return;
	while (json_pull_key(&p->json, &key)) {
		if (!strcmp(key, "threshold"))
			json_pull_number(&p->json, &t->threshold);
		else if (!strcmp(key, "comprehensiveness_classification_scores"))
			t->without = read_classes(p);
		else if (!strcmp(key, "sufficiency_classification_scores"))
			t->alone = read_classes(p);
		else
			json_pull_skip(&p->json);
	}
	if (isnan(t->threshold))
		json_pull_fail(&p->json, "threshold is missing");
}

static void read_thresholds(struct predictions *p)
{
	struct predicted *x = &p->item;
	int capacity = 0;
	if (json_pull_null(&p->json) || !json_pull_array(&p->json))
		return;
	x->thresholds = 0;
	while (json_pull_item(&p->json)) {
		x->threshold = room(p, x->threshold, x->thresholds, &capacity, sizeof *x->threshold);
		if (p->json.code)
			return;
		read_threshold(p, &x->threshold[x->thresholds++]);
	}
}

static void read_field(struct predictions *p, const char *key)
{
	struct predicted *x = &p->item;
	double flips;
	if (!strcmp(key, "annotation_id"))
		x->annotation = read_text(p);
	else if (!strcmp(key, "rationales"))
		read_documents(p);
	else if (!strcmp(key, "classification"))
		x->label = json_pull_null(&p->json) ? NULL : read_text(p);
	else if (!strcmp(key, "classification_scores"))
		x->classes = read_classes(p);
	else if (!strcmp(key, "comprehensiveness_classification_scores"))
		x->without = read_classes(p);
	else if (!strcmp(key, "sufficiency_classification_scores"))
		x->alone = read_classes(p);
	else if (!strcmp(key, "thresholded_scores"))
		read_thresholds(p);
	else if (!strcmp(key, "tokens_to_flip"))
		x->has_tokens_to_flip = !json_pull_null(&p->json) && json_pull_number(&p->json, &flips);
	else
		json_pull_skip(&p->json);
}

/* What cuts a line is a line end alone: JSON escapes those within. */
static size_t line_size(const struct predictions *p)
{
	const char *from = (const char *)p->map.data + p->at, *end = memchr(from, '\n', p->map.size - p->at);
	return end ? (size_t)(end - from) : p->map.size - p->at;
}

static int read_line(struct predictions *p, size_t size, struct err *e)
{
	const char *key;
	uint64_t seen = 0;
	static const char *const fields[] = {"annotation_id",
	                                     "rationales",
	                                     "classification",
	                                     "classification_scores",
	                                     "comprehensiveness_classification_scores",
	                                     "sufficiency_classification_scores",
	                                     "thresholded_scores"};
	texts_free(&p->texts);
	p->item = (struct predicted){
		.line = p->line, .classes = {.count = -1}, .without = {.count = -1}, .alone = {.count = -1}, .thresholds = -1};
	json_pull_begin(&p->json, (const char *)p->map.data + p->at, size, p->json.path, p->line, e);
	if (json_pull_object(&p->json))
		while (json_pull_key(&p->json, &key)) {
			for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
				if (strcmp(key, fields[i]) != 0)
					continue;
				if (seen >> i & 1)
					json_pull_fail(&p->json, "the field is there twice");
				seen |= (uint64_t)1 << i;
			}
			read_field(p, key);
		}
	json_pull_end(&p->json);
	if (!p->json.code && !p->item.annotation)
		json_pull_fail(&p->json, "no annotation_id");
	if (!p->json.code && !(seen >> 1 & 1))
		json_pull_fail(&p->json, "no rationales");
	return p->json.code;
}

int predictions_next(struct predictions *p, const struct predicted **item, struct err *e)
{
	*item = NULL;
	while (p->at < p->map.size) {
		const size_t size = line_size(p);
		const char *from = (const char *)p->map.data + p->at;
		size_t blank = 0;
		while (blank < size && strchr(" \t\r", from[blank]) && from[blank])
			blank++;
		p->line++;
		int code = blank < size ? read_line(p, size, e) : 0;
		p->at += size + 1;
		if (code)
			return code;
		if (blank < size) {
			*item = &p->item;
			return 0;
		}
	}
	return 0;
}
