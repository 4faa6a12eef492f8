/* IMDB (Maas et al. 2011): a review a file, {train,test}/{pos,neg}/ID_RATING.txt. Ratings are 1-4 for neg, 7-10 for
 * pos. Samples come neg first, each class by ID, whatever the order of the folder. */
#include "reader.h"

#include "../engine/base/err.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct review {
	long id;
	int rating;
};

struct reviews {
	struct review *review;
	int count, capacity;
};

/* "123_9.txt"; anything else in the folder is a fault, hidden files aside. */
static int parse_name(struct review *r, const char *name, const char *folder, int label, struct err *e)
{
	char canonical[64];
	if (sscanf(name, "%9ld_%2d.txt", &r->id, &r->rating) != 2 ||
	    (snprintf(canonical, sizeof canonical, "%ld_%d.txt", r->id, r->rating), strcmp(canonical, name) != 0))
		return err_set(e, ERR_FORMAT, "expected files named ID_RATING.txt, found '%.200s' in '%s'", name, folder);
	if (label ? r->rating < 7 || r->rating > 10 : r->rating < 1 || r->rating > 4)
		return err_set(e, ERR_FORMAT, "rating %d is not one of %s, of '%.200s' in '%s'", r->rating,
		               label ? "pos (7-10)" : "neg (1-4)", name, folder);
	return 0;
}

static int list_names(struct reviews *all, DIR *dir, const char *folder, int label, struct err *e)
{
	int code = 0;
	const struct dirent *entry;
	while (!code && (errno = 0, entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		struct review *r = grown(all->review, all->count, &all->capacity, sizeof *r, e);
		if (!r)
			return ERR_MEMORY;
		all->review = r;
		code = parse_name(&r[all->count], entry->d_name, folder, label, e);
		all->count++;
	}
	return !code && errno ? err_set_errno(e, errno, "cannot read folder '%s'", folder) : code;
}

static int by_id(const void *a, const void *b)
{
	const struct review *x = a, *y = b;
	return (x->id > y->id) - (x->id < y->id);
}

static int list(struct reviews *all, const char *folder, int label, struct err *e)
{
	DIR *dir = opendir(folder);
	if (!dir)
		return err_set_errno(e, errno, "cannot open folder '%s'", folder);
	int code = list_names(all, dir, folder, label, e);
	closedir(dir);
	if (code)
		return code;
	if (!all->count)
		return err_set(e, ERR_FORMAT, "no reviews in '%s'", folder);
	qsort(all->review, (size_t)all->count, sizeof *all->review, by_id);
	for (int i = 1; i < all->count; i++)
		if (all->review[i].id == all->review[i - 1].id)
			return err_set(e, ERR_FORMAT, "two reviews of number %ld in '%s'", all->review[i].id, folder);
	return 0;
}

static int add_review(struct dataset *d, const char *folder, const struct review *r, int label, struct err *e)
{
	char path[4200];
	struct span text;
	struct sample s = {.label = label, .value = NAN};
	snprintf(path, sizeof path, "%s/%ld_%d.txt", folder, r->id, r->rating);
	int code = dataset_add_file(d, path, &s.file, e);
	if (!code)
		code = dataset_load(d, path, &text, e);
	if (code)
		return code;
	s.text = text.bytes;
	s.text_size = text.size;
	return dataset_add(d, &s, e);
}

int read_imdb(struct dataset *d, const struct source *s, struct err *e)
{
	int code = 0;
	for (int label = 0; label < 2 && !code; label++) {
		char folder[4096 + 16];
		struct reviews all = {0};
		snprintf(folder, sizeof folder, "%s/%s/%s", s->folder, split_name(s->split), d->labels[label]);
		code = list(&all, folder, label, e);
		for (int i = 0; i < all.count && !code; i++)
			code = add_review(d, folder, &all.review[i], label, e);
		free(all.review);
	}
	return code;
}
