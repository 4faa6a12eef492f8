/* What the runs of a comparison say, as rows for programs, a table for people, and predictions for the scorer. */
#ifndef ADAPLER_ERASER_RATIONALE_TABLE_H
#define ADAPLER_ERASER_RATIONALE_TABLE_H

#include "study_runs.h"

#include "../engine/base/rows.h"

/* The row of one method, layer and budget, and how it differs from the adapted model: the mean over documents of its rate
 * less the reference's, with the p-value of a sign-flip test, Holm-corrected over all rows. */
struct rationale_row {
	int method, layer;
	enum rationale_budget budget;
	double difference, p;
};

struct rationale_table {
	struct store *store;
	const struct method_run *run; /* [METHOD_COUNT] */
	unsigned methods;
	enum rationale_rate rate; /* of the differences */
	struct rationale_row *row;
	int rows;
};

/* Of finished runs. */
int rationale_table_make(struct rationale_table *t, struct err *e);
void rationale_table_free(struct rationale_table *t);
int rationale_table_rows(const struct rationale_table *t, FILE *out, enum rows_format format, struct err *e);
int rationale_table_print(const struct rationale_table *t, FILE *out, struct err *e);
/* Every selection as a file of the folder. */
int rationale_table_predictions(const struct rationale_table *t, const struct study *s, const char *folder,
                                struct err *e);

#endif
