/* adapler bench --train: forward, backward and AdamW with the dropout of fine-tuning, on texts of given lengths. */
#include "bench.h"
#include "trainer.h"

#include <stdlib.h>

struct run {
	struct train_cell *cell;
	struct trainer *trainer;
	struct example *examples; /* [sequences] */
	const struct example **list;
	int *ids;        /* text after text */
	float *saliency; /* [longest] */
	uint64_t step;
};

enum { ROWS_MOST = 8192, LABELS = 2 };
static const double DROPOUT = 0.1, RATE = 2e-5, LAMBDA = 10;

static int longest_of(const struct train_cell *cell)
{
	int longest = 0;
	for (int i = 0; i < cell->sequences; i++)
		longest = cell->lengths[i] > longest ? cell->lengths[i] : longest;
	return longest;
}

static int most_rows(const struct train_cell *cell)
{
	int most = 0, rows = 0;
	for (int i = 0; i < cell->sequences; i++) {
		rows = i % cell->batch ? rows + cell->lengths[i] : cell->lengths[i];
		most = rows > most ? rows : most;
	}
	return most < ROWS_MOST ? most : ROWS_MOST;
}

static int open_trainer(struct run *r, struct err *e)
{
	const struct train_cell *cell = r->cell;
	const struct trainer_options o = {.objective = OBJECTIVE_CLASSIFY,
	                                  .adapler = cell->is_adapler,
	                                  .gamma = 0.1,
	                                  .phi = 0.1,
	                                  .classes = LABELS,
	                                  .hidden_dropout = DROPOUT,
	                                  .attention_dropout = DROPOUT,
	                                  .kernels = cell->kernels,
	                                  .threads = cell->threads,
	                                  .max_length = longest_of(cell),
	                                  .max_rows = most_rows(cell),
	                                  .max_sequences = cell->batch};
	return cell->model ? trainer_open(&r->trainer, cell->model, &o, e)
	                   : trainer_open_random(&r->trainer, cell->config, &o, e);
}

static int make_examples(struct run *r, struct err *e)
{
	const struct train_cell *cell = r->cell;
	const int longest = longest_of(cell), texts = cell->sequences, V = cell->config->V, first = V > 1000 ? 1000 : 0;
	r->examples = calloc((size_t)texts, sizeof *r->examples);
	r->list = malloc((size_t)texts * sizeof *r->list);
	r->ids = malloc((size_t)cell->tokens * sizeof *r->ids);
	r->saliency = malloc((size_t)longest * sizeof *r->saliency);
	if (!r->examples || !r->list || !r->ids || !r->saliency)
		return err_set(e, ERR_MEMORY, "out of memory for %d texts", texts);
	for (int64_t i = 0; i < cell->tokens; i++)
		r->ids[i] = first + (int)(i * 7919 % (V - first));
	for (int i = 0; i < longest; i++)
		r->saliency[i] = 1;
	const int *ids = r->ids;
	for (int i = 0; i < texts; ids += cell->lengths[i++]) {
		r->examples[i] =
			(struct example){.n = cell->lengths[i], .ids = ids, .label = i % LABELS, .saliency = r->saliency};
		r->list[i] = &r->examples[i];
	}
	return 0;
}

static int train_all(void *arg, struct err *e)
{
	struct run *r = arg;
	const struct train_cell *cell = r->cell;
	const struct rates rates = {.network = RATE, .speed = RATE};
	for (int first = 0; first < cell->sequences; first += cell->batch) {
		const int left = cell->sequences - first, count = left < cell->batch ? left : cell->batch;
		struct losses losses;
		struct norms norms;
		int code = trainer_gradient(r->trainer, r->list + first, count, r->step++, LAMBDA, &losses, e);
		if (!code)
			code = trainer_update(r->trainer, &rates, &norms, e);
		if (code)
			return code;
	}
	return 0;
}

static int count_work(struct train_cell *cell, struct err *e)
{
	struct policy dense;
	int code = policy_parse(&dense, "none", e);
	cell->flops = 0;
	cell->tokens = 0;
	for (int i = 0; i < cell->sequences && !code; i++) {
		struct flops f;
		flops_count(&f, cell->config, &dense, cell->lengths[i], NULL, 0);
		cell->flops += 3.0 * (double)flops_total(&f) + 0.5 * (double)f.attention;
		cell->tokens += cell->lengths[i];
	}
	cell->steps = (cell->sequences + cell->batch - 1) / cell->batch;
	return code;
}

int bench_train(struct train_cell *cell, struct err *e)
{
	struct run r = {.cell = cell};
	int code = count_work(cell, e);
	if (!code)
		code = make_examples(&r, e);
	if (!code)
		code = open_trainer(&r, e);
	if (!code)
		code = train_all(&r, e);
	if (!code) {
		cell->bytes = trainer_bytes(r.trainer);
		code = timing_run(&cell->timing, train_all, &r, e);
	}
	trainer_close(r.trainer);
	free(r.examples);
	free(r.list);
	free(r.ids);
	free(r.saliency);
	return code;
}
