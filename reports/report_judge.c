/* The methods of a study against the contribution predictors, document by document. */
#include "report.h"

#include "../engine/base/err.h"
#include "../eval/stats.h"
#include "../eval/store_rationale.h"

#include <math.h>
#include <stdlib.h>

static int compare_layers(struct study *s, int m, const struct rationale_facts *f, const struct rationale_facts *cp,
                          struct err *e)
{
	int code = 0;
	for (int l = 0; l < s->L && !code; l++)
		code = rationale_difference(&s->difference[m][l], &s->p[m][l], f, cp, RATE_FPR, BUDGET_REPLAY, l, e);
	return code;
}

static int compare_methods(struct report *r, struct study *s, const struct rationale_facts *cp, struct err *e)
{
	int code = 0;
	for (int m = 0; m < s->methods && !code; m++) {
		struct rationale_facts f = {0};
		if (m == s->cp)
			continue;
		code = store_rationale_get(r->store, s->run[m].id, &f, e);
		if (!code)
			code = compare_layers(s, m, &f, cp, e);
		rationale_close(&f);
	}
	return code;
}

/* Over methods and layers. */
static int correct(struct study *s, struct err *e)
{
	double *p = malloc((size_t)s->methods * (size_t)s->L * sizeof *p);
	if (!p)
		return err_set(e, ERR_MEMORY, "out of memory for %d tests", s->methods * s->L);
	for (int i = 0; i < s->methods * s->L; i++)
		p[i] = s->p[i / s->L][i % s->L];
	int code = stats_holm(p, p, s->methods * s->L, e);
	for (int i = 0; i < s->methods * s->L && !code; i++)
		s->p[i / s->L][i % s->L] = p[i];
	free(p);
	return code;
}

int report_judge(struct report *r, struct study *s, struct err *e)
{
	struct rationale_facts cp = {0};
	for (int m = 0; m < STUDY_METHODS_MAX; m++)
		for (int l = 0; l < REPORT_LAYERS_MAX; l++)
			s->p[m][l] = s->difference[m][l] = NAN;
	if (s->cp < 0)
		return 0;
	int code = store_rationale_get(r->store, s->run[s->cp].id, &cp, e);
	if (!code)
		code = compare_methods(r, s, &cp, e);
	rationale_close(&cp);
	return code ? code : correct(s, e);
}
