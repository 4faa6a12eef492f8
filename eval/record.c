#include "record.h"

#include "../engine/base/err.h"
#include "derive.h"
#include "store_facts.h"

struct metric_rows {
	struct store *store;
	int64_t run;
};

static int add_metric(const char *name, double value, double lo, double hi, void *arg, struct err *e)
{
	const struct metric_rows *r = arg;
	return store_metric_set(r->store, r->run, name, value, lo, hi, e);
}

static int write_rows(struct store *s, const struct store_run *run, const struct facts *f, int64_t *id, struct err *e)
{
	enum store_found found;
	int code = store_run_start(s, run, id, &found, e);
	if (code || found == STORE_FINISHED)
		return code;
	struct metric_rows rows = {s, *id};
	code = store_facts_add(s, *id, f, e);
	if (!code)
		code = derive(f, add_metric, &rows, e);
	return code ? code : store_run_finish(s, *id, e);
}

int record_run(struct store *s, const struct store_run *run, const struct facts *f, int64_t *id, struct err *e)
{
	int code = store_begin(s, e);
	if (code)
		return code;
	code = write_rows(s, run, f, id, e);
	if (!code)
		code = store_commit(s, e);
	if (code)
		store_rollback(s);
	return code;
}
