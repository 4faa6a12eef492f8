#include "saliency_file.h"

#include "../engine/base/buf.h"
#include "../engine/base/file.h"
#include "../engine/base/json.h"
#include "../engine/base/sha256.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char MAGIC[] = "adapler saliency 2\n";
enum { LENGTH_MOST = 65535, SHARE_MOST = 65535, HEADER_BYTES_MAX = 1 << 20 };

/* ---- writing -------------------------------------------------------------------------------------------------- */

static void add_u16(struct buf *b, unsigned value)
{
	buf_add_byte(b, (char)(value & 0xff));
	buf_add_byte(b, (char)(value >> 8));
}

static void add_sample(struct buf *b, const float *saliency, int n)
{
	float most = 0;
	for (int i = 0; i < n; i++)
		most = fmaxf(most, saliency[i]);
	for (int i = 0; i < n; i++)
		add_u16(b, most > 0 ? (unsigned)lrintf(saliency[i] / most * SHARE_MOST) : 0);
}

static void add_body(struct buf *b, const struct encoded *data, const float *saliency)
{
	for (int i = 0; i < data->count; i++)
		add_u16(b, (unsigned)data->examples[i].n);
	for (int i = 0; i < data->count; saliency += data->examples[i++].n)
		add_sample(b, saliency, data->examples[i].n);
}

static void add_field(struct buf *b, const char *name, const char *value)
{
	buf_addf(b, "\"%s\":", name);
	buf_add_json_string(b, value, strlen(value));
	buf_add_byte(b, ',');
}

static void add_header(struct buf *b, const struct saliency_key *key, const struct encoded *data,
                       const struct buf *body)
{
	struct sha256 hash;
	char hex[65];
	sha256_init(&hash);
	sha256_add(&hash, body->data, body->size);
	sha256_end(&hash, hex);
	buf_add_text(b, MAGIC);
	buf_add_text(b, "{\"models\":[");
	for (int i = 0; i < key->models; i++) {
		buf_add_text(b, i ? ",{\"path\":" : "{\"path\":");
		buf_add_json_string(b, key->model[i], strlen(key->model[i]));
		buf_addf(b, ",\"sha256\":\"%s\"}", key->model_sha[i]);
	}
	buf_add_text(b, "],");
	add_field(b, "task", key->task);
	add_field(b, "split", key->split);
	add_field(b, "data_sha", key->data_sha);
	add_field(b, "token_sha", key->token_sha);
	add_field(b, "dev_sha", key->dev_sha);
	buf_addf(b, "\"max_length\":%d,\"examples\":%d,\"tokens\":%lld,\"dev_score\":", key->max_length, data->count,
	         (long long)data->tokens);
	buf_add_json_double(b, key->dev_score);
	buf_addf(b, ",\"sha256\":\"%s\"}\n", hex);
}

int saliency_write(const char *path, const struct saliency_key *key, const struct encoded *data, const float *saliency,
                   struct err *e)
{
	struct buf body = {0}, whole = {0};
	if (data->longest > LENGTH_MOST)
		return err_set(e, ERR_LIMIT, "a text of %d tokens, at most %d can be stored", data->longest, LENGTH_MOST);
	for (int64_t i = 0; i < data->tokens; i++)
		if (!(saliency[i] >= 0) || !isfinite(saliency[i]))
			return err_set(e, ERR_LIMIT, "a saliency of %g", (double)saliency[i]);
	add_body(&body, data, saliency);
	int code = buf_check(&body, e);
	if (!code) {
		add_header(&whole, key, data, &body);
		buf_add(&whole, body.data, body.size);
		code = buf_check(&whole, e);
	}
	if (!code)
		code = file_write_atomic(path, whole.data, whole.size, e);
	buf_free(&body);
	buf_free(&whole);
	return code;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

struct reading {
	const char *path;
	const struct saliency_key *expected;
	struct saliency_file *file;
	struct encoded *data;
	const unsigned char *body;
	size_t body_size;
	struct err *e;
};

static unsigned u16_at(const unsigned char *p, size_t i) { return p[2 * i] | (unsigned)p[2 * i + 1] << 8; }

static int check_text(const struct reading *r, const cJSON *json, const char *field, const char *expected)
{
	const char *found = "";
	int code = json_get_string(json, field, &found, r->path, r->e);
	if (!code && strcmp(found, expected) != 0)
		code = err_set(r->e, ERR_MISMATCH, "the saliency in '%s' is of %s '%.64s', expected '%.64s'", r->path, field,
		               found, expected);
	return code;
}

static int check_number(const struct reading *r, const cJSON *json, const char *field, long long expected)
{
	long long found = -1;
	int code = json_get_int(json, field, &found, 0, 1LL << 53, r->path, r->e);
	if (!code && found != expected)
		code = err_set(r->e, ERR_MISMATCH, "the saliency in '%s' is of %s %lld, expected %lld", r->path, field, found,
		               expected);
	return code;
}

static int check_sum(const struct reading *r, const cJSON *json)
{
	struct sha256 hash;
	char hex[65];
	const char *expected = "";
	int code = json_get_string(json, "sha256", &expected, r->path, r->e);
	sha256_init(&hash);
	sha256_add(&hash, r->body, r->body_size);
	sha256_end(&hash, hex);
	memcpy(r->file->sha, hex, sizeof hex);
	if (!code && strcmp(hex, expected) != 0)
		code = err_set(r->e, ERR_FORMAT, "'%s' is damaged: its values do not have the checksum it names", r->path);
	return code;
}

static int check_sha(const struct reading *r, const cJSON *json, const char *field, const char *expected,
                     const char *otherwise)
{
	const char *found = "";
	int code = json_get_string(json, field, &found, r->path, r->e);
	if (!code && strcmp(found, expected) != 0)
		code = err_set(r->e, ERR_MISMATCH, "the saliency in '%s' is of %s", r->path, otherwise);
	return code;
}

static int check_key(const struct reading *r, const cJSON *json)
{
	const struct saliency_key *k = r->expected;
	int code = check_text(r, json, "task", k->task);
	if (!code)
		code = check_text(r, json, "split", k->split);
	if (!code)
		code = check_sha(r, json, "data_sha", k->data_sha,
		                 "other texts or labels: it is made from the same --data, with the same --limit");
	if (!code)
		code = check_number(r, json, "max_length", k->max_length);
	if (!code)
		code = check_sha(r, json, "token_sha", k->token_sha, "other tokens: its models have another vocabulary");
	if (!code)
		code = check_sha(r, json, "dev_sha", k->dev_sha, "models with a dev score on other dev data");
	if (!code)
		code = check_number(r, json, "examples", r->data->count);
	if (!code)
		code = check_number(r, json, "tokens", r->data->tokens);
	const size_t size = 2 * ((size_t)r->data->count + (size_t)r->data->tokens);
	if (!code && r->body_size != size)
		code =
			err_set(r->e, ERR_FORMAT, "expected %zu bytes of values, found %zu in '%s'", size, r->body_size, r->path);
	if (!code)
		code = check_sum(r, json);
	r->file->key = *k;
	r->file->key.dev_score = NAN;
	return code ? code : json_get_double(json, "dev_score", &r->file->key.dev_score, r->path, r->e);
}

static int read_values(const struct reading *r)
{
	const size_t count = (size_t)r->data->count;
	for (size_t i = 0; i < count; i++)
		if ((int)u16_at(r->body, i) != r->data->examples[i].n)
			return err_set(r->e, ERR_MISMATCH, "sample %zu has %d tokens, but %u in '%s'", i, r->data->examples[i].n,
			               u16_at(r->body, i), r->path);
	float *to = r->file->values = malloc(((size_t)r->data->tokens + 1) * sizeof *to);
	if (!to)
		return err_set(r->e, ERR_MEMORY, "out of memory for the saliency of %lld tokens", (long long)r->data->tokens);
	for (int64_t i = 0; i < r->data->tokens; i++)
		to[i] = (float)u16_at(r->body, count + (size_t)i) / SHARE_MOST;
	for (size_t i = 0; i < count; to += r->data->examples[i++].n)
		r->data->examples[i].saliency = to;
	return 0;
}

static int read_file(struct reading *r, const struct file_map *map)
{
	const size_t magic = sizeof MAGIC - 1;
	if (map->size < magic || memcmp(map->data, MAGIC, magic) != 0)
		return err_set(r->e, ERR_FORMAT, "'%s' is no file of saliency, or one of another version", r->path);
	const unsigned char *line = map->data + magic;
	const size_t left = map->size - magic;
	const unsigned char *end = memchr(line, '\n', left < HEADER_BYTES_MAX ? left : HEADER_BYTES_MAX);
	if (!end)
		return err_set(r->e, ERR_FORMAT, "'%s' is cut off within its key", r->path);
	cJSON *json = json_parse((const char *)line, (size_t)(end - line), r->path, r->e);
	if (!json)
		return ERR_FORMAT;
	r->body = end + 1;
	r->body_size = (size_t)(map->data + map->size - r->body);
	int code = check_key(r, json);
	cJSON_Delete(json);
	return code ? code : read_values(r);
}

int saliency_open(struct saliency_file *f, const char *path, const struct saliency_key *expected, struct encoded *data,
                  struct err *e)
{
	struct file_map map;
	struct reading r = {.path = path, .expected = expected, .file = f, .data = data, .e = e};
	memset(f, 0, sizeof *f);
	int code = file_map_open(&map, path, e);
	if (code)
		return code;
	code = read_file(&r, &map);
	file_map_close(&map);
	if (code)
		saliency_close(f);
	return code;
}

void saliency_close(struct saliency_file *f)
{
	free(f->values);
	f->values = NULL;
}
