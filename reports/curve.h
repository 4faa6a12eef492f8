/* The curves of one run: which there are, as a table, as a picture. */
#ifndef ADAPLER_CURVE_H
#define ADAPLER_CURVE_H

#include "../engine/base/rows.h"
#include "../eval/store.h"

struct curve {
	struct store *store;
	int64_t run;
	char **names;
	int count;
};

/* `list`: names separated by commas; NULL: all, by the alphabet. ERR_USAGE for a name that the run does not have. */
int curve_open(struct curve *c, struct store *s, int64_t run, const char *list, struct err *e);
void curve_close(struct curve *c);

/* A row a step, a column a name. */
int curve_print(const struct curve *c, struct rows *r, struct err *e);

/* A panel for each measure, one below the other over the same steps: "loss" and "dev/loss" share one. */
int curve_plot(const struct curve *c, const char *path, struct err *e);

#endif
