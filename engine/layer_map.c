/* Who looks at whom: the attention probabilities themselves, for those who ask. The kernels never hold a whole row of
 * them in the form that is wanted here, and nobody waits for this: plain loops. */
#include "session.h"

#include <math.h>
#include <string.h>

struct map_job {
	struct session *s;
	float *map; /* [n,n] of each sequence in turn */
};

/* map [n] += softmax of one query's logits / A. */
static void add_query(const struct session *s, float *map, float *logits, int begin, int n, int query, int head)
{
	const int D = s->c->D;
	const size_t column = (size_t)head * (size_t)D;
	const float *q = s->query + (size_t)(begin + query) * s->h_stride + column;
	const double scale = 1 / sqrt((double)D);
	double most = -INFINITY, sum = 0;
	for (int k = 0; k < n; k++) {
		const float *key = s->key_value + (size_t)(begin + k) * s->kv_stride + column;
		double dot = 0;
		for (int d = 0; d < D; d++)
			dot += (double)q[d] * (double)key[d];
		logits[k] = (float)(dot * scale + (s->policy->soft_lambda > 0 ? (double)s->key_bias[begin + k] : 0));
		most = logits[k] > most ? (double)logits[k] : most;
	}
	for (int k = 0; k < n; k++)
		sum += exp((double)logits[k] - most);
	for (int k = 0; k < n; k++)
		map[k] += (float)(exp((double)logits[k] - most) / sum / s->c->A);
}

static void map_sequence(void *arg, int b, int worker)
{
	const struct map_job *j = arg;
	struct session *s = j->s;
	const int begin = s->live.start[b], n = s->live.start[b + 1] - begin;
	float *map = j->map, *logits = s->attention_scratch + (size_t)worker * s->attention_scratch_floats;
	for (int i = 0; i < b; i++) {
		const size_t m = (size_t)(s->live.start[i + 1] - s->live.start[i]);
		map += m * m;
	}
	memset(map, 0, (size_t)n * (size_t)n * sizeof *map);
	for (int query = 0; query < n; query++)
		for (int h = 0; h < s->c->A; h++)
			add_query(s, map + (size_t)query * (size_t)n, logits, begin, n, query, h);
}

void layer_map(struct session *s, int layer)
{
	struct map_job j = {s, s->map_at[layer]};
	pool_for(s->pool, s->live.B, map_sequence, &j);
}
