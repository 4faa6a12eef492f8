#include "facts.h"

#include "../engine/base/err.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* calloc of at least one: NULL means that there is no memory. */
static void *room(size_t count, size_t size) { return calloc(count ? count : 1, size); }

static int has_room(const struct facts *f, int64_t tokens, int has_scores)
{
	for (int arm = 0; arm < ARM_COUNT; arm++)
		if (f->turns[arm] && !f->ns[arm])
			return 0;
	return f->idx && f->gold && f->pred && f->target && f->logits && f->tokens && f->rows && f->flops &&
	       f->dense_flops && f->start && (!tokens || (f->died_at && (!has_scores || f->score)));
}

int facts_open(struct facts *f, int n, int64_t tokens, int has_scores, struct err *e)
{
	const size_t count = (size_t)n;
	f->n = n;
	f->outputs = f->classes ? f->classes : 1;
	f->batches = f->batch ? (n + f->batch - 1) / f->batch : 0;
	f->idx = room(count, sizeof *f->idx);
	f->gold = room(count, sizeof *f->gold);
	f->pred = room(count, sizeof *f->pred);
	f->target = room(count, sizeof *f->target);
	f->logits = room(count * (size_t)f->outputs, sizeof *f->logits);
	f->tokens = room(count, sizeof *f->tokens);
	f->rows = room(count * (size_t)f->shape.L, sizeof *f->rows);
	f->flops = room(count, sizeof *f->flops);
	f->dense_flops = room(count, sizeof *f->dense_flops);
	f->start = room(count + 1, sizeof *f->start);
	f->died_at = tokens ? room((size_t)tokens, 1) : NULL;
	f->score = tokens && has_scores ? room((size_t)tokens, sizeof *f->score) : NULL;
	for (int arm = 0; arm < ARM_COUNT; arm++)
		f->ns[arm] = f->turns[arm] ? room((size_t)f->turns[arm] * (size_t)f->batches, sizeof *f->ns[arm]) : NULL;
	if (!has_room(f, tokens, has_scores)) {
		facts_close(f);
		return err_set(e, ERR_MEMORY, "out of memory for the facts of %d examples", n);
	}
	for (int i = 0; i < n; i++)
		f->idx[i] = i;
	return 0;
}

void facts_close(struct facts *f)
{
	free(f->idx);
	free(f->gold);
	free(f->pred);
	free(f->target);
	free(f->logits);
	free(f->tokens);
	free(f->rows);
	free(f->flops);
	free(f->dense_flops);
	free(f->start);
	free(f->died_at);
	free(f->score);
	for (int arm = 0; arm < ARM_COUNT; arm++)
		free(f->ns[arm]);
	memset(f, 0, sizeof *f);
}

static void softmax(double *p, const float *z, int n)
{
	double max = -INFINITY, sum = 0;
	for (int i = 0; i < n; i++)
		max = fmax(max, (double)z[i]);
	for (int i = 0; i < n; i++)
		sum += p[i] = exp((double)z[i] - max);
	for (int i = 0; i < n; i++)
		p[i] /= sum;
}

void facts_probabilities(const struct facts *f, double *probs)
{
	const size_t C = (size_t)f->outputs;
	for (size_t i = 0; i < (size_t)f->n; i++)
		softmax(probs + i * C, f->logits + i * C, f->outputs);
}

double facts_predicted(const struct facts *f, int i) { return (double)f->logits[(size_t)i * (size_t)f->outputs]; }
