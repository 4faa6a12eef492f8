#include "outcomes.h"

#include "../engine/base/err.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct picked {
	int *gold, *pred;
	double *target, *predicted;
};

static int is_labelled(const struct facts *f)
{
	for (int i = 0; i < f->n; i++)
		if (f->classes ? f->gold[i] < 0 : isnan(f->target[i]))
			return 0;
	return f->n > 0;
}

static double loss_of(const struct facts *f, int i, const double *probs)
{
	if (f->classes)
		return f->gold[i] < 0 ? NAN : -log(fmax(probs[(size_t)i * (size_t)f->outputs + (size_t)f->gold[i]], 1e-300));
	const double error = facts_predicted(f, i) - f->target[i];
	return error * error;
}

void outcomes_close(struct outcomes *o)
{
	if (o->own) {
		free(o->own->gold);
		free(o->own->pred);
		free(o->own->target);
		free(o->own->predicted);
	}
	free(o->own);
	free(o->probs);
	free(o->predicted);
	free(o->loss);
	memset(o, 0, sizeof *o);
}

static int take_room(struct outcomes *o, size_t n)
{
	o->probs = malloc(n * (size_t)o->f->outputs * sizeof *o->probs);
	o->predicted = malloc(n * sizeof *o->predicted);
	o->loss = malloc(n * sizeof *o->loss);
	o->own = calloc(1, sizeof *o->own);
	if (!o->probs || !o->predicted || !o->loss || !o->own)
		return 0;
	o->own->gold = malloc(n * sizeof *o->own->gold);
	o->own->pred = malloc(n * sizeof *o->own->pred);
	o->own->target = malloc(n * sizeof *o->own->target);
	o->own->predicted = malloc(n * sizeof *o->own->predicted);
	return o->own->gold && o->own->pred && o->own->target && o->own->predicted;
}

int outcomes_open(struct outcomes *o, const struct facts *f, struct err *e)
{
	*o = (struct outcomes){.f = f, .is_labelled = is_labelled(f)};
	if (!take_room(o, (size_t)f->n + 1)) {
		outcomes_close(o);
		return err_set(e, ERR_MEMORY, "out of memory for the metrics of %d examples", f->n);
	}
	facts_probabilities(f, o->probs);
	for (int i = 0; i < f->n; i++) {
		o->loss[i] = loss_of(f, i, o->probs);
		o->predicted[i] = facts_predicted(f, i);
	}
	return 0;
}

struct outcome outcomes_whole(const struct outcomes *o)
{
	const struct facts *f = o->f;
	return (struct outcome){.n = f->n,
	                        .classes = f->classes,
	                        .gold = f->gold,
	                        .pred = f->pred,
	                        .target = f->target,
	                        .predicted = o->predicted,
	                        .probs = f->classes ? o->probs : NULL};
}

struct outcome outcomes_pick(struct outcomes *o, const int *pick, int n)
{
	struct picked *own = o->own;
	for (int k = 0; k < n; k++) {
		if (o->f->classes) {
			own->gold[k] = o->f->gold[pick[k]];
			own->pred[k] = o->f->pred[pick[k]];
		} else {
			own->target[k] = o->f->target[pick[k]];
			own->predicted[k] = o->predicted[pick[k]];
		}
	}
	return (struct outcome){.n = n,
	                        .classes = o->f->classes,
	                        .gold = own->gold,
	                        .pred = own->pred,
	                        .target = own->target,
	                        .predicted = own->predicted};
}

double outcomes_metric(const struct outcomes *o, const struct metric *m)
{
	const struct outcome all = outcomes_whole(o);
	return o->is_labelled ? m->compute(&all) : NAN;
}

double outcomes_loss(const struct outcomes *o)
{
	double sum = 0;
	for (int i = 0; i < o->f->n; i++)
		sum += o->loss[i];
	return o->is_labelled ? sum / o->f->n : NAN;
}
