#include "judge.h"

#include "../engine/base/err.h"
#include "derive.h"
#include "gather.h"
#include "outcomes.h"

#include <string.h>

int judge_check(const struct dataset *d, const struct config *c, struct err *e)
{
	int code = dataset_check_labelled(d, e);
	return code ? code : gather_check(d, c, e);
}

static int conclude(struct judgement *out, const struct facts *f, struct err *e)
{
	struct outcomes o;
	int code = outcomes_open(&o, f, e);
	if (code)
		return code;
	out->n = f->n;
	out->L = f->shape.L;
	out->score = outcomes_metric(&o, f->metrics[0]);
	out->loss = outcomes_loss(&o);
	out->flops_speedup = derive_flops_speedup(f);
	out->seconds = derive_seconds(f, ARM_POLICY);
	for (int l = 0; l < out->L; l++)
		out->kept[l] = derive_kept(f, l);
	outcomes_close(&o);
	return 0;
}

int judge(struct judgement *out, const struct model *m, const struct dataset *d, const struct encoded *data,
          const struct judge_options *o, struct err *e)
{
	struct facts f;
	const struct gather_options gather = {
		.policy = o->policy, .batch = o->batch, .rows = o->rows, .threads = o->threads};
	memset(out, 0, sizeof *out);
	int code = judge_check(d, model_config(m), e);
	if (!code)
		code = facts_gather(&f, m, d, data, &gather, e);
	if (code)
		return code;
	code = conclude(out, &f, e);
	facts_close(&f);
	return code;
}
