/* Annotations and predictions of arbitrary bytes, a NUL between them, on a fixed pair of documents: refused with a
 * sentence, or scored to JSON. The first byte says the mode. */
#include "../../eraser/score.h"

#include "../../engine/base/buf.h"
#include "../../engine/base/err.h"
#include "../../engine/base/file.h"
#include "../../engine/base/json.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];

static const char *write_file(const char *name, const void *bytes, size_t size)
{
	static char path[2][128];
	static int turn;
	char *out = path[turn++ % 2];
	snprintf(out, sizeof path[0], "%s/%s", folder, name);
	FILE *f = fopen(out, "wb");
	if (!f || fwrite(bytes, 1, size, f) != size || fclose(f))
		abort();
	return out;
}

static void prepare(void)
{
	static const char documents[] =
		"{\"docid\": \"x\", \"document\": \"a b c\\nd e\"}\n{\"docid\": \"y\", \"document\": \"a b\"}\n";
	snprintf(folder, sizeof folder, "%s/adapler-fuzz-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(folder))
		abort();
	write_file("docs.jsonl", documents, sizeof documents - 1);
}

static void expect(int holds)
{
	if (!holds)
		abort();
}

static int score_all(struct score *s, const char *path, int allow_nan, struct err *e)
{
	struct predictions p;
	const struct predicted *x = NULL;
	int code = predictions_open(&p, path, allow_nan, e);
	while (!code && !(code = predictions_next(&p, &x, e)) && x)
		code = score_add(s, x, path, e);
	predictions_close(&p);
	return code;
}

static void score(const struct annotations *truth, const char *path, const struct score_options *o)
{
	struct err e = {0};
	struct documents *documents;
	struct score *s;
	struct buf json = {0};
	expect(!documents_open(&documents, folder, &e));
	expect(!score_open(&s, truth, documents, o, &e));
	int code = score_all(s, path, o->mode != SCORE_DEFAULT, &e);
	if (!code)
		code = score_write(s, &json, &e);
	expect(!code == !e.text[0]);
	if (!code) {
		cJSON *parsed = json_parse(json.data, json.size, "scores", &e);
		expect(parsed != NULL);
		cJSON_Delete(parsed);
	}
	buf_free(&json);
	score_close(s);
	documents_close(documents);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct annotations truth;
	const uint8_t *cut = size ? memchr(data + 1, 0, size - 1) : NULL;
	if (!folder[0])
		prepare();
	if (!cut)
		return 0;
	const char *annotations = write_file("test.jsonl", data + 1, (size_t)(cut - data - 1));
	const char *predictions = write_file("p.jsonl", cut + 1, size - (size_t)(cut - data) - 1);
	const struct score_options o = {
		.mode = (enum score_mode)(data[0] % 3), .bounded = 1, .iou = {0, 0.5}, .ious = 2, .aopc = {0.1}, .aopcs = 1};
	if (annotations_open(&truth, annotations, &e)) {
		expect(e.text[0]);
		return 0;
	}
	score(&truth, predictions, &o);
	annotations_close(&truth);
	return 0;
}
