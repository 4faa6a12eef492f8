#include "windows.h"

#include "../engine/base/err.h"

#include <stdlib.h>
#include <string.h>

static int room(const struct frame *f) { return f->max_length - 2 - (f->query ? f->query_size + 1 : 0); }

/* Whether the rationale goes on from token t - 1 to t. */
static int is_inside(const unsigned char *rationale, int t) { return rationale && rationale[t] && rationale[t - 1]; }

/* Where the window that begins at `first` ends. */
static int end_of(struct windows *w, const struct alignment *a, const unsigned char *rationale, int first, int size)
{
	int last = first;
	while (last < a->tokens && a->first[last + 1] - a->first[first] <= size)
		last++;
	if (last == first) {
		w->cut_tokens++;
		return first + 1;
	}
	if (last == a->tokens || !is_inside(rationale, last))
		return last;
	int start = last;
	while (start > first && is_inside(rationale, start))
		start--;
	if (start > first)
		return start;
	w->cut_rationales++;
	return last;
}

static int count_windows(struct windows *w, const struct alignment *a, const unsigned char *rationale, int size)
{
	int count = 0;
	for (int first = 0; first < a->tokens; count++)
		first = end_of(w, a, rationale, first, size);
	return count;
}

static void fill(struct window *x, const struct alignment *a, const struct frame *f)
{
	int n = 0;
	x->type_ids = x->ids + x->n;
	memset(x->type_ids, 0, (size_t)x->n * sizeof *x->type_ids);
	x->ids[n++] = f->cls;
	for (int i = 0; i < x->pieces; i++)
		x->ids[n++] = a->ids[x->piece + i];
	x->ids[n++] = f->sep;
	for (int i = 0; f->query && i <= f->query_size; i++, n++) {
		x->ids[n] = i < f->query_size ? f->query[i] : f->sep;
		x->type_ids[n] = 1;
	}
}

int windows_cut(struct windows *w, const struct alignment *a, const unsigned char *rationale, const struct frame *f,
                struct err *e)
{
	const int size = room(f);
	*w = (struct windows){0};
	if (size < 1)
		return err_set(e, ERR_USAGE, "%d tokens a window leave no room for the document beside a query of %d",
		               f->max_length, f->query_size);
	w->count = count_windows(w, a, rationale, size);
	w->cut_tokens = w->cut_rationales = 0;
	w->item = calloc((size_t)w->count, sizeof *w->item);
	w->memory = malloc(2 * ((size_t)a->pieces + (size_t)w->count * (size_t)(f->max_length - size)) * sizeof *w->memory);
	if (!w->item || !w->memory) {
		windows_free(w);
		return err_set(e, ERR_MEMORY, "out of memory for %d windows", w->count);
	}
	int *ids = w->memory, first = 0;
	for (int i = 0; i < w->count; i++) {
		struct window *x = &w->item[i];
		x->first = first;
		x->last = first = end_of(w, a, rationale, first, size);
		x->piece = a->first[x->first];
		x->pieces = a->first[x->last] - x->piece;
		x->pieces = x->pieces < size ? x->pieces : size;
		x->n = f->max_length - size + x->pieces;
		x->ids = ids;
		ids += 2 * x->n;
		fill(x, a, f);
	}
	return 0;
}

void windows_free(struct windows *w)
{
	free(w->item);
	free(w->memory);
	*w = (struct windows){0};
}
