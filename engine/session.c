/* Planning a session: every buffer of a forward pass, laid out once. Nothing below session_open allocates. */
#include "session.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS_LIMIT = 1 << 24, SEQUENCES_LIMIT = 1 << 20 };

/* An array of L pointers, each to `count` items of a per-layer array. */
#define TAKE_LAYERS(a, pointers, layers, count, type)                            \
	do {                                                                         \
		(pointers) = (type **)arena_take((a), (size_t)(layers), sizeof(void *)); \
		for (int l_ = 0; l_ < (layers); l_++) {                                  \
			type *piece_ = ARENA_TAKE((a), (count), type);                       \
			if (pointers)                                                        \
				(pointers)[l_] = piece_;                                         \
		}                                                                        \
	} while (0)

static void place_trace(struct session *s, struct arena *a, size_t T, size_t B)
{
	int L = s->c->L;
	unsigned want = s->options.want;
	s->died_at = ARENA_TAKE(a, T, int);
	TAKE_LAYERS(a, s->layer_start, L, B + 1, int);
	TAKE_LAYERS(a, s->score_start, L, B + 1, int);
	TAKE_LAYERS(a, s->hidden_start, L + 1, B + 1, int);
	s->score_at = (float **)arena_take(a, (size_t)L, sizeof(void *));
	if (want & WANT_SCORES)
		TAKE_LAYERS(a, s->score_room, L, T, float);
	if (want & WANT_ATTENTION) {
		TAKE_LAYERS(a, s->received_at, L, T, float);
		TAKE_LAYERS(a, s->from_cls_at, L, T, float);
	}
	if (want & WANT_MAPS)
		TAKE_LAYERS(a, s->map_at, L, T * (size_t)s->c->P, float);
	if (want & WANT_HIDDEN)
		TAKE_LAYERS(a, s->hidden_at, L + 1, T * s->h_stride, float);
	if (want & WANT_SOFT) {
		TAKE_LAYERS(a, s->soft_mask_at, L, T, float);
		TAKE_LAYERS(a, s->soft_length_at, L, B, float);
	}
}

static void place_policy(struct session *s, struct arena *a, size_t T, size_t B)
{
	const struct config *c = s->c;
	s->predictor_hidden = c->K ? ARENA_TAKE(a, T * s->k_stride, float) : NULL;
	s->score = ARENA_TAKE(a, T, float);
	s->select_scratch = ARENA_TAKE(a, (size_t)c->P, float);
	s->moved = ARENA_TAKE(a, T, int);
	s->keep = ARENA_TAKE(a, T, unsigned char);
	s->head_received = ARENA_TAKE(a, (size_t)c->A * T, float);
	s->head_from_cls = ARENA_TAKE(a, (size_t)c->A * T, float);
	s->received = ARENA_TAKE(a, T, float);
	s->from_cls = ARENA_TAKE(a, T, float);
	s->identity = ARENA_TAKE(a, B, uint64_t);
	if (s->options.want & WANT_HIDDEN)
		s->carried = ARENA_TAKE(a, T * s->h_stride, float);
	if (s->options.want & WANT_SOFT) {
		s->soft_length = ARENA_TAKE(a, B, double);
		s->soft_mask = ARENA_TAKE(a, T, double);
		s->soft_bias = ARENA_TAKE(a, T, double);
		s->soft_score = ARENA_TAKE(a, T, double);
		s->key_bias = ARENA_TAKE(a, T, float);
	}
}

/* Run twice, measuring and placing: see base/arena.h. */
static void place_session(struct session *s, struct arena *a)
{
	const struct config *c = s->c;
	size_t T = (size_t)s->options.max_rows, B = (size_t)s->options.max_sequences;
	s->live.start = ARENA_TAKE(a, B + 1, int);
	s->live.origin = ARENA_TAKE(a, T, int);
	s->state = ARENA_TAKE(a, T * s->h_stride, float);
	s->query = ARENA_TAKE(a, T * s->h_stride, float);
	s->key_value = ARENA_TAKE(a, T * s->kv_stride, float);
	s->context = ARENA_TAKE(a, T * s->h_stride, float);
	s->middle = ARENA_TAKE(a, (size_t)s->threads * (size_t)s->block_rows * s->f_stride, float);
	s->first = ARENA_TAKE(a, B * s->h_stride, float);
	s->first_context = ARENA_TAKE(a, B * s->h_stride, float);
	s->attention_scratch = ARENA_TAKE(a, (size_t)s->threads * s->attention_scratch_floats, float);
	s->pooled = ARENA_TAKE(a, B * s->h_stride, float);
	s->logits = ARENA_TAKE(a, B * (size_t)c->C, float);
	place_policy(s, a, T, B);
	place_trace(s, a, T, B);
}

static int set_options(struct session *s, const struct session_options *options, struct err *e)
{
	const struct config *c = s->c;
	struct session_options *o = &s->options;
	if (options)
		*o = *options;
	if (o->max_sequences == 0)
		o->max_sequences = 64;
	if (o->max_rows == 0)
		o->max_rows = 32 * c->P;
	if (o->threads < 0 || o->max_rows < 1 || o->max_rows > ROWS_LIMIT || o->max_sequences < 1 ||
	    o->max_sequences > SEQUENCES_LIMIT)
		return err_set(e, ERR_LIMIT, "a session of %d threads, %d rows, %d sequences is out of range", o->threads,
		               o->max_rows, o->max_sequences);
	if (o->want & (WANT_HIDDEN | WANT_ATTENTION | WANT_MAPS))
		o->full_last_layer = 1;
	return 0;
}

static void set_sizes(struct session *s)
{
	const struct config *c = s->c;
	s->h_stride = row_stride(c->H);
	s->kv_stride = row_stride(2 * c->H);
	s->f_stride = row_stride(c->F);
	s->k_stride = row_stride(c->K);
	int rows = s->options.max_rows > s->options.max_sequences ? s->options.max_rows : s->options.max_sequences;
	int share = (rows + s->threads - 1) / s->threads;
	s->block_rows = share < BLOCK_ROWS ? share : BLOCK_ROWS;
	s->attention_scratch_floats = attention_scratch(c->P, c->D);
}

static int open_session(struct session *s, const struct session_options *options, struct err *e)
{
	int code = set_options(s, options, e);
	if (code)
		return code;
	if ((code = pool_open(&s->pool, s->options.threads, e)))
		return code;
	s->threads = pool_threads(s->pool);
	set_sizes(s);
	place_session(s, &s->arena);
	if ((code = arena_open(&s->arena, e)))
		return code;
	place_session(s, &s->arena);
	return 0;
}

int session_open(struct session **out, const struct model *m, const struct session_options *options, struct err *e)
{
	struct session *s = calloc(1, sizeof *s);
	*out = NULL;
	if (!s)
		return err_set(e, ERR_MEMORY, "out of memory for a session");
	s->model = m;
	s->c = &m->config;
	s->kernels = m->kernels;
	int code = open_session(s, options, e);
	if (code) {
		session_close(s);
		return code;
	}
	*out = s;
	return 0;
}

void session_close(struct session *s)
{
	if (!s)
		return;
	pool_close(s->pool);
	arena_close(&s->arena);
	free(s);
}

size_t session_bytes(const struct session *s) { return s->arena.size; }

void session_lap(struct session *s, int64_t *part)
{
	if (!(s->options.want & WANT_PROFILE))
		return;
	int64_t now = clock_ns();
	*part += now - s->lap_ns;
	s->lap_ns = now;
}
