#include "study_options.h"

#include "../engine/base/err.h"

#include <string.h>

enum { BATCH_DEFAULT = 16 };

/* The mean share of rationales comes first: single numbers are taken at it, means over the others. */
static int read_thresholds(struct study_options *o, struct study_args *a, struct err *e)
{
	const char *text = a->thresholds ? a->thresholds : "0.01,0.05,0.1,0.2,0.5";
	int count = 0;
	if (!strcmp(text, "none"))
		return 0;
	int code = opt_double_list(a->threshold + 1, RATIONALE_THRESHOLDS_MAX - 1, &count, text, "thresholds", e);
	for (int i = 1; i <= count && !code; i++)
		if (!(a->threshold[i] > 0 && a->threshold[i] < 1))
			code = err_set(e, ERR_USAGE, "threshold %g of --thresholds is no share between 0 and 1%s", a->threshold[i],
			               a->threshold[i] > 1 ? ": percent?" : "");
	o->threshold = a->threshold;
	o->thresholds = count + 1;
	return code;
}

int study_options_read(struct study_options *o, struct study_args *a, struct err *e)
{
	*o = (struct study_options){
		.explain = {.model = a->model,
	                .policy = a->policy,
	                .dense = a->dense,
	                .dense_policy = a->dense_policy,
	                .aggregation = (enum aggregation)a->aggregation,
	                .steps = a->steps,
	                .baseline = (enum explain_baseline)a->baseline,
	                .threads = a->threads,
	                .seed = a->seed},
		.read = {.max_length = a->max_length,
	             .query = (enum instance_query)a->query,
	             .is_lenient = a->is_lenient,
	             .free_windows = a->free_windows},
		.data = a->data,
		.split = a->split ? a->split : "test",
		.limit = a->limit,
		.floors = a->rounding,
		.is_mask = a->removal,
	};
	int code = methods_parse(&o->explain.methods, a->methods, e);
	return code ? code : read_thresholds(o, a, e);
}

int study_options_batch(const struct study_args *a) { return a->batch ? a->batch : BATCH_DEFAULT; }
