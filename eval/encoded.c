#include "encoded.h"

#include "../engine/base/err.h"
#include "../engine/base/sha256.h"

#include <stdlib.h>
#include <string.h>

int encoded_max_length(int *max_length, const char *model, int asked, struct err *e)
{
	struct config c;
	int code = config_read(&c, model, e);
	if (code)
		return code;
	*max_length = asked ? asked : c.P;
	if (asked > c.P)
		code = err_set(e, ERR_USAGE, "--max-length is %d, but '%s' has %d positions", asked, model, c.P);
	config_free(&c);
	return code;
}

struct encoding_room {
	size_t used, capacity;
};

static int reserve(struct encoded *x, struct encoding_room *room, size_t more, struct err *e)
{
	if (room->used + more <= room->capacity)
		return 0;
	const size_t capacity = 2 * (room->used + more) + 4096;
	int *ids = realloc(x->ids, capacity * sizeof *ids);
	x->ids = ids ? ids : x->ids;
	int *types = realloc(x->type_ids, capacity * sizeof *types);
	x->type_ids = types ? types : x->type_ids;
	if (!ids || !types)
		return err_set(e, ERR_MEMORY, "out of memory for %zu tokens", capacity);
	room->capacity = capacity;
	/* cppcheck-suppress memleak ; what was moved is kept */
	return 0;
}

static int add(struct encoded *x, struct encoding_room *room, const struct sample *s, const struct encoding *tokens,
               struct err *e)
{
	const size_t n = (size_t)tokens->n;
	int code = reserve(x, room, n, e);
	if (code)
		return code;
	memcpy(x->ids + room->used, tokens->ids, n * sizeof *x->ids);
	memcpy(x->type_ids + room->used, tokens->type_ids, n * sizeof *x->type_ids);
	room->used += n;
	x->examples[x->count++] = (struct example){.n = tokens->n, .label = s->label, .value = s->value};
	x->longest = tokens->n > x->longest ? tokens->n : x->longest;
	x->tokens += tokens->n;
	x->truncated += tokens->truncated > 0;
	return 0;
}

/* The ids have stopped moving. */
static void point(struct encoded *x)
{
	size_t at = 0;
	for (int i = 0; i < x->count; i++) {
		x->examples[i].ids = x->ids + at;
		x->examples[i].type_ids = x->type_ids + at;
		x->list[i] = &x->examples[i];
		at += (size_t)x->examples[i].n;
	}
}

int encoded_open(struct encoded *x, const struct dataset *d, const struct tokenizer *t, int max_length, struct err *e)
{
	struct encoding tokens = {0};
	struct encoding_room room = {0};
	int code = 0;
	memset(x, 0, sizeof *x);
	x->examples = calloc((size_t)d->count + 1, sizeof *x->examples);
	x->list = calloc((size_t)d->count + 1, sizeof *x->list);
	if (!x->examples || !x->list)
		code = err_set(e, ERR_MEMORY, "out of memory for %d samples", d->count);
	for (int i = 0; i < d->count && !code; i++) {
		const struct sample *s = &d->sample[i];
		code = tokenizer_encode(t, s->text, s->text_size, s->pair, s->pair_size, max_length, &tokens, e);
		if (!code)
			code = add(x, &room, s, &tokens, e);
	}
	encoding_free(&tokens);
	if (code)
		encoded_close(x);
	else
		point(x);
	return code;
}

void encoded_close(struct encoded *x)
{
	free(x->examples);
	free(x->list);
	free(x->ids);
	free(x->type_ids);
	memset(x, 0, sizeof *x);
}

void encoded_sha(const struct encoded *x, char hex[65])
{
	struct sha256 hash;
	const size_t bytes = (size_t)x->tokens * sizeof *x->ids;
	sha256_init(&hash);
	for (int i = 0; i < x->count; i++)
		sha256_add(&hash, &x->examples[i].n, sizeof x->examples[i].n);
	sha256_add(&hash, x->ids, bytes);
	sha256_add(&hash, x->type_ids, bytes);
	sha256_end(&hash, hex);
}

int64_t encoded_largest_batch(const struct encoded *x, int batch)
{
	int64_t tokens = 0;
	int left = batch;
	int *of_length = calloc((size_t)x->longest + 1, sizeof *of_length);
	if (!of_length)
		return (int64_t)batch * x->longest;
	for (int i = 0; i < x->count; i++)
		of_length[x->examples[i].n]++;
	for (int n = x->longest; n > 0 && left > 0; n--) {
		const int taken = of_length[n] < left ? of_length[n] : left;
		tokens += (int64_t)taken * n;
		left -= taken;
	}
	free(of_length);
	return tokens;
}
