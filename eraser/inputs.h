/* Texts as a model takes them, gathered from windows with or without some of their tokens, and run together: whatever
 * their lengths, as ragged batches. */
#ifndef ADAPLER_ERASER_INPUTS_H
#define ADAPLER_ERASER_INPUTS_H

#include "windows.h"

#include <stdint.h>

struct inputs {
	int count, capacity;
	struct input {
		size_t at; /* of its ids */
		int n;
	} * item;
	int *ids, *type_ids; /* of all of them in turn */
	size_t tokens, token_capacity;
	int mask; /* > 0: this id takes the place of what is left out; 0: nothing does */
};

void inputs_clear(struct inputs *in); /* empty, the memory is kept */
void inputs_free(struct inputs *in);
/* Adds a window, of the document tokens only those with keep[t]; NULL: all. Specials and the query stay. */
int inputs_add(struct inputs *in, const struct window *w, const struct alignment *a, const unsigned char *keep,
               struct err *e);

/* A model at work: one session, with room for `rows` tokens at once. */
struct runner {
	const struct model *model;
	struct policy policy;
	struct session *session;
	int rows, sequences;
	int *start;
	int64_t seen; /* tokens so far */
};

int runner_open(struct runner *r, const struct model *m, const char *policy, int threads, int rows, unsigned want,
                struct err *e);
void runner_close(struct runner *r);

/* Called after every batch: sequences 0..t->B-1 are inputs first, first + 1 ... */
typedef int inputs_visitor(void *arg, const struct trace *t, int first, struct err *e);
int inputs_run(const struct inputs *in, struct runner *r, inputs_visitor *visit, void *arg, struct err *e);
/* The logits alone: [count,C]. */
int inputs_logits(const struct inputs *in, struct runner *r, float *logits, struct err *e);

#endif
