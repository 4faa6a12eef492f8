/* The scorers: what a row is worth, from the state of the running pass. */
#include "base/rng.h"
#include "session.h"

#include <string.h>

int score_predictor(struct session *s, int layer, float *score)
{
	layer_predict(s, layer, score);
	for (int b = 0; b < s->live.B; b++)
		s->kernels->softmax(score + s->live.start[b], s->live.start[b + 1] - s->live.start[b]);
	return 1;
}

/* Before the first attention there is nothing to go by. Between an attention and the next pruning site no row dies, so
 * the sums still fit the live rows. */
static int copy_attention(struct session *s, const float *from, float *score)
{
	if (s->attention_rows == 0)
		return 0;
	memcpy(score, from, (size_t)s->live.T * sizeof *score);
	return 1;
}

int score_received(struct session *s, int layer, float *score)
{
	(void)layer;
	return copy_attention(s, s->received, score);
}

int score_from_cls(struct session *s, int layer, float *score)
{
	(void)layer;
	return copy_attention(s, s->from_cls, score);
}

int score_given(struct session *s, int layer, float *score)
{
	(void)layer;
	for (int t = 0; t < s->live.T; t++)
		score[t] = s->batch->scores[s->live.origin[t]];
	return 1;
}

/* Drawn from (seed, the sequence's content, layer and position): the same whatever else is in the batch. */
int score_random(struct session *s, int layer, float *score)
{
	for (int b = 0; b < s->live.B; b++)
		for (int t = s->live.start[b]; t < s->live.start[b + 1]; t++) {
			uint64_t position = (uint64_t)(s->live.origin[t] - s->batch->start[b]);
			uint64_t index = (uint64_t)layer << 32 | position;
			score[t] = (float)rng_uniform(s->policy->seed, s->identity[b], index);
		}
	return 1;
}
