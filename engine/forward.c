/* The forward pass: embeddings, then layer by layer prune, attend, prune, feed forward, and the head. The invariants of
 * pruning are kept here, whatever a policy asks for: row 0 lives, order holds, the dead stay dead. */
#include "base/clock.h"
#include "session.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- checks --------------------------------------------------------------------------------------------------- */

static int check_shape(const struct session *s, const struct batch *b, struct err *e)
{
	const struct config *c = s->c;
	if (b->B < 1 || b->B > s->options.max_sequences)
		return err_set(e, ERR_LIMIT, "a batch of %d sequences, the session was opened for 1 to %d", b->B,
		               s->options.max_sequences);
	if (b->start[0] != 0)
		return err_set(e, ERR_LIMIT, "the first sequence of a batch starts at row %d, not 0", b->start[0]);
	for (int i = 0; i < b->B; i++) {
		int64_t n = (int64_t)b->start[i + 1] - b->start[i];
		if (n < 1 || n > c->P)
			return err_set(e, ERR_LIMIT, "sequence %d has %lld tokens, the model takes 1 to %d", i, (long long)n, c->P);
	}
	if (b->start[b->B] > s->options.max_rows)
		return err_set(e, ERR_LIMIT, "a batch of %d tokens, the session was opened for %d", b->start[b->B],
		               s->options.max_rows);
	return 0;
}

static int check_ids(const struct session *s, const struct batch *b, struct err *e)
{
	const struct config *c = s->c;
	const struct weights *w = &s->model->weights;
	if (b->embeddings)
		return 0;
	if (!b->ids)
		return err_set(e, ERR_USAGE, "the batch brings neither ids nor embeddings");
	if (!w->word_embedding || !w->position_embedding || !w->embedding_norm_g || !w->embedding_norm_b ||
	    (c->types && !w->type_embedding))
		return err_set(e, ERR_MISMATCH, "the model was opened without all its embeddings, and the batch brings none");
	for (int t = 0; t < b->start[b->B]; t++) {
		if (b->ids[t] < 0 || b->ids[t] >= c->V)
			return err_set(e, ERR_LIMIT, "token id %d at row %d is outside the vocabulary of %d", b->ids[t], t, c->V);
		if (b->type_ids && c->types && (b->type_ids[t] < 0 || b->type_ids[t] >= c->types))
			return err_set(e, ERR_LIMIT, "type id %d at row %d is outside the %d token types", b->type_ids[t], t,
			               c->types);
	}
	return 0;
}

static int check_counts(const struct batch *b, int L, struct err *e)
{
	if (!b->counts)
		return err_set(e, ERR_USAGE, "policy argument 'replay' needs counts with the input");
	for (int i = 0; i < b->B * L; i++)
		if (b->counts[i] < 1)
			return err_set(e, ERR_LIMIT, "count %d of sequence %d at layer %d is below 1", b->counts[i], i / L, i % L);
	return 0;
}

static int check_given(const struct policy *p, const struct batch *b, struct err *e)
{
	if (!b->scores)
		return err_set(e, ERR_USAGE, "policy '%s' needs scores with the input", p->name);
	for (int t = 0; t < b->start[b->B]; t++)
		if (!isfinite(b->scores[t]))
			return err_set(e, ERR_LIMIT, "the given score of row %d is not finite", t);
	return 0;
}

static int check_policy(const struct session *s, const struct batch *b, const struct policy *p, struct err *e)
{
	unsigned needs = policy_needs(p);
	int code = 0;
	if ((needs & NEED_PREDICTORS) && !s->c->K)
		return err_set(e, ERR_MISMATCH, "policy '%s' needs contribution predictors, the model has none", p->name);
	if (needs & NEED_GIVEN)
		code = check_given(p, b, e);
	if (!code && (needs & NEED_COUNTS))
		code = check_counts(b, s->c->L, e);
	if (!code && p->values > s->c->L)
		return err_set(e, ERR_USAGE, "policy '%s' gives values for %d layers, the model has %d", p->text, p->values,
		               s->c->L);
	if (!code && p->first_layer >= s->c->L)
		return err_set(e, ERR_USAGE, "policy '%s' begins at layer %d, the model has %d", p->text, p->first_layer,
		               s->c->L);
	if (!code && p->soft_lambda > 0 && !(s->options.want & WANT_SOFT))
		return err_set(e, ERR_USAGE, "soft removal needs a session opened with WANT_SOFT");
	return code;
}

/* ---- pruning -------------------------------------------------------------------------------------------------- */

static float *score_room(struct session *s, int layer)
{
	return s->options.want & WANT_SCORES ? s->score_room[layer] : s->score;
}

static void copy_starts(const struct session *s, int *to)
{
	memcpy(to, s->live.start, ((size_t)s->live.B + 1) * sizeof *to);
}

static void select_sequence(struct session *s, int b, int layer, const float *score)
{
	int begin = s->live.start[b];
	const float *eta = model_eta(s->model);
	struct selection in = {
		.policy = s->policy,
		.score = score + begin,
		.n = s->live.start[b + 1] - begin,
		.n0 = s->batch->start[b + 1] - s->batch->start[b],
		.layer = layer,
		.eta = eta ? (double)eta[layer] : NAN,
		.count = s->batch->counts ? s->batch->counts[b * s->c->L + layer] : 0,
		.scratch = s->select_scratch,
	};
	s->policy->selector->run(&in, s->keep + begin);
	s->keep[begin] = 1;
}

static void bury(struct session *s, int layer)
{
	for (int t = 0; t < s->live.T; t++) {
		if (s->keep[t])
			continue;
		int origin = s->live.origin[t];
		s->died_at[origin] = layer;
		if (s->carried && s->policy->fate == FATE_CARRY)
			memcpy(s->carried + (size_t)origin * s->h_stride, s->x + (size_t)t * s->h_stride,
			       (size_t)s->c->H * sizeof(float));
	}
}

/* Scores and drops; compacts the state and, after attention, what the rows took from it. */
static void prune(struct session *s, int layer)
{
	float *score = score_room(s, layer);
	copy_starts(s, s->score_start[layer]);
	s->score_at[layer] = NULL;
	if (layer < s->policy->first_layer || !s->policy->scorer->run(s, layer, score))
		return;
	s->score_at[layer] = s->options.want & WANT_SCORES ? score : NULL;
	for (int b = 0; b < s->live.B; b++)
		select_sequence(s, b, layer, score);
	bury(s, layer);
	int before = s->live.T;
	ragged_drop(&s->live, s->keep, s->moved);
	if (s->live.T == before)
		return;
	if (!s->is_first_only) {
		ragged_compact(s->x, s->h_stride, s->c->H, s->moved, s->live.T);
		if (s->policy->site == SITE_AFTER_ATTENTION)
			ragged_compact(s->context, s->h_stride, s->c->H, s->moved, s->live.T);
	}
}

/* The scores become those that met the threshold. */
static void soften_sequence(struct session *s, int b, float *score, double threshold)
{
	const int begin = s->live.start[b], n = s->live.start[b + 1] - begin;
	double *wide = s->soft_score + begin, *mask = s->soft_mask + begin, *bias = s->soft_bias + begin;
	struct soft_step step = {.n = n, .eta = threshold, .lambda = s->policy->soft_lambda};
	for (int i = 0; i < n; i++)
		wide[i] = score[i];
	soft_rescale(wide, wide, mask, n);
	step.score = wide;
	step.mask = step.mask_out = mask;
	step.bias = step.bias_out = bias;
	step.length = s->soft_length[b];
	soft_forward(&step);
	s->soft_length[b] = step.length_out;
	for (int i = 0; i < n; i++) {
		score[i] = (float)wide[i];
		s->key_bias[begin + i] = (float)bias[i];
	}
}

/* Soft removal drops nothing: it moves the bias that attention adds to every key. */
static void soften(struct session *s, int layer)
{
	float *score = score_room(s, layer);
	const float *eta = model_eta(s->model);
	double threshold = policy_value(s->policy, layer, eta[layer]) * s->policy->eta_scale;
	int is_active = layer >= s->policy->first_layer;
	copy_starts(s, s->score_start[layer]);
	if (is_active) {
		score_predictor(s, layer, score);
		s->score_at[layer] = s->options.want & WANT_SCORES ? score : NULL;
	}
	for (int b = 0; b < s->live.B; b++) {
		if (is_active)
			soften_sequence(s, b, score + s->live.start[b], threshold);
		s->soft_length_at[layer][b] = (float)s->soft_length[b];
	}
	for (int t = 0; t < s->live.T; t++)
		s->soft_mask_at[layer][t] = (float)s->soft_mask[t];
}

/* ---- the pass ------------------------------------------------------------------------------------------------- */

/* FNV-1a over what a sequence holds: its ids, or the bits of its embeddings. */
static uint64_t identify(const struct batch *b, int sequence, int H)
{
	uint64_t hash = 14695981039346656037U, prime = 1099511628211U;
	for (int t = b->start[sequence]; t < b->start[sequence + 1]; t++) {
		if (!b->embeddings) {
			hash = (hash ^ (uint64_t)b->ids[t]) * prime;
			continue;
		}
		for (int h = 0; h < H; h++) {
			uint32_t bits;
			memcpy(&bits, b->embeddings + (size_t)t * (size_t)H + h, sizeof bits);
			hash = (hash ^ bits) * prime;
		}
	}
	return hash;
}

static void begin_soft(struct session *s, const struct batch *b)
{
	for (int t = 0; t < b->start[b->B]; t++) {
		s->soft_mask[t] = 1;
		s->soft_bias[t] = 0;
		s->key_bias[t] = 0;
	}
	for (int i = 0; i < b->B; i++) {
		s->soft_mask[b->start[i]] = 0;
		s->soft_length[i] = b->start[i + 1] - b->start[i];
	}
}

static void begin(struct session *s, const struct batch *b, const struct policy *p)
{
	int T0 = b->start[b->B];
	s->batch = b;
	s->policy = p;
	s->live.B = b->B;
	s->live.T = T0;
	s->x = s->state;
	s->is_first_only = 0;
	s->attention_rows = 0;
	memcpy(s->live.start, b->start, ((size_t)b->B + 1) * sizeof *s->live.start);
	for (int t = 0; t < T0; t++) {
		s->live.origin[t] = t;
		s->died_at[t] = s->c->L;
	}
	for (int i = 0; i < b->B; i++)
		s->identity[i] = identify(b, i, s->c->H);
	if (p->soft_lambda > 0)
		begin_soft(s, b);
}

static void note_hidden(struct session *s, int index)
{
	copy_starts(s, s->hidden_start[index]);
	if (s->options.want & WANT_HIDDEN)
		memcpy(s->hidden_at[index], s->x, (size_t)s->live.T * s->h_stride * sizeof(float));
}

/* The final states of a carrying policy: the dead where they were dropped, the living where they arrived. */
static void note_carried(struct session *s)
{
	float *last = s->hidden_at[s->c->L];
	int T0 = s->batch->start[s->batch->B];
	memcpy(last, s->carried, (size_t)T0 * s->h_stride * sizeof(float));
	for (int t = 0; t < s->live.T; t++)
		memcpy(last + (size_t)s->live.origin[t] * s->h_stride, s->x + (size_t)t * s->h_stride,
		       (size_t)s->c->H * sizeof(float));
	memcpy(s->hidden_start[s->c->L], s->batch->start, ((size_t)s->batch->B + 1) * sizeof(int));
}

static void gather_first(const struct session *s, float *to, const float *from)
{
	for (int b = 0; b < s->live.B; b++)
		memcpy(to + (size_t)b * s->h_stride, from + (size_t)s->live.start[b] * s->h_stride,
		       (size_t)s->c->H * sizeof(float));
}

/* From here on only row 0 of every sequence is computed: the logits need no other row of the last layer. */
static void narrow(struct session *s)
{
	s->x = s->first;
	s->is_first_only = 1;
}

/* The last layer when nobody looks at its other rows: row 0 alone asks, all keys answer. */
static void attend_first(struct session *s, int l)
{
	gather_first(s, s->first, s->x);
	layer_attend(s, l, 1);
	narrow(s);
	if (policy_drops(s->policy) && s->policy->site == SITE_AFTER_ATTENTION)
		prune(s, l);
}

static void attend_all(struct session *s, int l, int is_short)
{
	layer_attend(s, l, 0);
	if (policy_drops(s->policy) && s->policy->site == SITE_AFTER_ATTENTION)
		prune(s, l);
	session_lap(s, &s->trace.profile.policy);
	if (!is_short)
		return;
	gather_first(s, s->first, s->x);
	gather_first(s, s->first_context, s->context);
	narrow(s);
}

static void run_layer(struct session *s, int l)
{
	const struct policy *p = s->policy;
	int is_short = l == s->c->L - 1 && !s->options.full_last_layer;
	int is_after = policy_drops(p) && p->site == SITE_AFTER_ATTENTION;
	s->score_at[l] = NULL;
	copy_starts(s, s->score_start[l]);
	if (p->soft_lambda > 0)
		soften(s, l);
	else if (policy_drops(p) && !is_after)
		prune(s, l);
	session_lap(s, &s->trace.profile.policy);
	copy_starts(s, s->layer_start[l]);
	if (is_short && !policy_sees_all_queries(p, l))
		attend_first(s, l);
	else
		attend_all(s, l, is_short);
	layer_feed_forward(s, l);
}

static void publish(struct session *s, struct trace *out)
{
	struct trace *t = &s->trace;
	t->B = s->batch->B;
	t->T0 = s->batch->start[s->batch->B];
	t->L = s->c->L;
	t->logits = s->logits;
	t->died_at = s->died_at;
	t->layer_start = (const int *const *)s->layer_start;
	t->score_start = (const int *const *)s->score_start;
	t->scores = (const float *const *)s->score_at;
	t->received = (const float *const *)s->received_at;
	t->from_cls = (const float *const *)s->from_cls_at;
	t->maps = (const float *const *)s->map_at;
	t->hidden_start = (const int *const *)s->hidden_start;
	t->hidden = (const float *const *)s->hidden_at;
	t->hidden_stride = s->h_stride;
	int is_soft = s->policy->soft_lambda > 0;
	t->soft_mask = is_soft ? (const float *const *)s->soft_mask_at : NULL;
	t->soft_length = is_soft ? (const float *const *)s->soft_length_at : NULL;
	*out = *t;
}

static void run(struct session *s)
{
	struct profile *profile = &s->trace.profile;
	int64_t start = clock_ns();
	memset(profile, 0, sizeof *profile);
	s->lap_ns = start;
	layer_embed(s);
	session_lap(s, &profile->embedding);
	note_hidden(s, 0);
	for (int l = 0; l < s->c->L; l++) {
		run_layer(s, l);
		note_hidden(s, l + 1);
	}
	if (s->carried && s->policy->fate == FATE_CARRY)
		note_carried(s);
	layer_head(s);
	session_lap(s, &profile->head);
	profile->total = clock_ns() - start;
}

/* Finite weights can still overflow; a label chosen among NaN would be a lie. */
static int check_logits(const struct session *s, struct err *e)
{
	int C = s->c->C;
	for (int i = 0; i < s->batch->B * C; i++)
		if (!isfinite(s->logits[i]))
			return err_set(e, ERR_FORMAT, "logit %d of sequence %d is not finite: the model's values overflow", i % C,
			               i / C);
	return 0;
}

int session_run(struct session *s, const struct batch *b, const struct policy *p, struct trace *out, struct err *e)
{
	int code = check_shape(s, b, e);
	if (!code)
		code = check_ids(s, b, e);
	if (!code)
		code = check_policy(s, b, p, e);
	if (code)
		return code;
	begin(s, b, p);
	run(s);
	publish(s, out);
	return check_logits(s, e);
}
