/* Floating-point operations in closed form, from what died where. */
#include "policy.h"

#include <string.h>

int64_t flops_total(const struct flops *f)
{
	return f->projection + f->attention + f->feed_forward + f->policy + f->head;
}

/* Tokens alive once the pruning of layer `layer` is done; layer -1: all. */
static int64_t alive_after(const int *died_at, int n, int layer)
{
	int64_t alive = 0;
	for (int t = 0; t < n; t++)
		alive += !died_at || died_at[t] > layer;
	return alive;
}

/* Logits need only row 0 of the last layer. Its other rows are computed when the caller asks for them; their queries
 * also when a policy that prunes after attention has to see them, and then they are the policy's cost. */
static void add_layer(struct flops *f, const struct config *c, const struct policy *p, int layer, int64_t scored,
                      int64_t kept, int is_last_short)
{
	int64_t H = c->H, F = c->F, K = c->K;
	int is_after = p->site == SITE_AFTER_ATTENTION;
	int64_t keys = is_after ? scored : kept, queries = keys, rows = kept;
	if (is_last_short) {
		queries = rows = 1;
		if (policy_sees_all_queries(p, layer))
			f->policy += (2 * H * H + 4 * H * keys) * (keys - 1);
	}
	f->projection += 2 * H * H * (2 * keys + queries + rows);
	f->attention += 4 * H * keys * queries;
	f->feed_forward += 4 * H * F * rows;
	if ((p->scorer->needs & NEED_PREDICTORS) && layer >= p->first_layer)
		f->policy += scored * (2 * K * H + 2 * K);
}

void flops_count_layer(struct flops *out, const struct config *c, const struct policy *p, int layer, int scored,
                       int kept)
{
	memset(out, 0, sizeof *out);
	add_layer(out, c, p, layer, scored, kept, layer == c->L - 1);
}

void flops_count(struct flops *out, const struct config *c, const struct policy *p, int n, const int *died_at,
                 int full_last_layer)
{
	memset(out, 0, sizeof *out);
	for (int l = 0; l < c->L; l++)
		add_layer(out, c, p, l, alive_after(died_at, n, l - 1), alive_after(died_at, n, l),
		          l == c->L - 1 && !full_last_layer);
	out->head = 2 * (int64_t)c->H * c->H + 2 * (int64_t)c->H * c->C;
}

int64_t flops_paper_bert(int n, int C)
{
	int64_t N = n;
	return 37872 * N * N + 170216500 * N + (1183490 - 1537) + 1537 * (int64_t)C;
}

int64_t flops_paper_adapler(int n, const int *rows, int L, int C)
{
	int64_t sum = 1183537 + 1537 * ((int64_t)C - 1) + 6152 * (int64_t)n;
	for (int l = 0; l < L; l++)
		sum += 3156 * (int64_t)rows[l] * rows[l] + 14233554 * (int64_t)rows[l];
	return sum;
}
