/* What things are called: for people, and in names of files. */
#include "report.h"

#include "../engine/base/buf.h"
#include "../engine/base/err.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METHOD_POLICY(id, policy, name) policy,
static const char *const policies[REPORT_METHODS] = {METHODS(METHOD_POLICY)};
#define METHOD_NAME(id, policy, name) name,
const char *const method_names[REPORT_METHODS + 1] = {METHODS(METHOD_NAME) NULL};

int report_method(const char *policy)
{
	const size_t n = strcspn(policy, ":");
	for (int i = 0; i < METHOD_OTHER; i++)
		if (strlen(policies[i]) == n && !strncmp(policies[i], policy, n))
			return i;
	return METHOD_OTHER;
}

const char *explainer_name(const char *method)
{
	static const char *const names[][2] = {{"cp", "predictors"},
	                                       {"kept", "kept by the model"},
	                                       {"attention", "attention received"},
	                                       {"attention-cls", "attention from [CLS]"},
	                                       {"gradient-input", "gradient x input"},
	                                       {"integrated", "integrated gradients"},
	                                       {"leave-one-out", "leave one out"}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(names[i][0], method))
			return names[i][1];
	return method;
}

const char *report_last_part(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}

static const char *keep_text(struct report *r, struct buf *b, struct err *e)
{
	const char *text = buf_check(b, e) ? NULL : texts_copy(&r->texts, b->size ? b->data : "", b->size, e);
	buf_free(b);
	return text;
}

/* Arguments of a policy in words; those that are not known here stand as they are. */
static void add_argument(struct buf *b, const char *text, size_t size)
{
	static const char *const words[][2] = {{"keep=", "keep "},
	                                       {"scale=", "thresholds x "},
	                                       {"eta=", "eta "},
	                                       {"threshold=", "threshold "},
	                                       {"top=", "top "}};
	if (b->size)
		buf_add_text(b, ", ");
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		const size_t n = strlen(words[i][0]);
		if (size > n && !strncmp(text, words[i][0], n)) {
			buf_add_text(b, words[i][1]);
			buf_add(b, text + n, size - n);
			return;
		}
	}
	buf_add(b, text, size);
}

static void add_arguments(struct buf *b, const char *policy, int is_random)
{
	for (const char *at = strchr(policy, ':'); at; at = strchr(at, ',')) {
		const size_t size = strcspn(++at, ",");
		const int is_seed = is_random && !strncmp(at, "seed=", 5);
		if (!is_seed && strncmp(at, "replay", size) != 0)
			add_argument(b, at, size);
	}
}

/* What tells an entry from others of its method. A model is named where its phi is not known, but for the dense one. */
const char *report_settings(struct report *r, const struct evaluation *x, struct err *e)
{
	struct buf b = {0};
	const char *model = report_last_part(x->family);
	if (*x->phi)
		buf_addf(&b, "phi %s", x->phi);
	else if (!strncmp(model, "phi-", 4))
		buf_addf(&b, "phi %s", model + 4);
	else if (strcmp(model, "dense") != 0)
		buf_add_text(&b, model);
	add_arguments(&b, x->policy, report_method(x->policy) == METHOD_RANDOM);
	if (strstr(x->policy, "replay"))
		buf_addf(&b, "%sas many rows as %s", b.size ? ", " : "",
		         *x->counts_model ? report_last_part(x->counts_model) : model);
	return keep_text(r, &b, e);
}

/* A task of files is called by the folder of the first, or by the file where there is none. */
const char *report_task_name(struct report *r, const char *task, struct err *e)
{
	struct buf b = {0};
	if (strncmp(task, "file:", 5) != 0)
		return task;
	const char *path = task + 5, *equals = strchr(path, '=');
	if (*path == ':' && equals)
		path = equals + 1;
	const char *end = path + strcspn(path, ","), *slash = memrchr(path, '/', (size_t)(end - path));
	const char *dot = memrchr(path, '.', (size_t)(end - path));
	const char *start = slash ? memrchr(path, '/', (size_t)(slash - path)) : NULL;
	end = slash ? slash : dot && dot > path ? dot : end;
	start = start ? start + 1 : path;
	buf_add(&b, start, (size_t)(end - start));
	return keep_text(r, &b, e);
}

/* Names of files and of links to them: letters and digits of ASCII, '-' and '.', which no shell and no tool takes for anything
 * else; each is there once. `kind` "" or "rationales-" ... */
enum { ANCHOR_MAX = 80, KIND_MAX = 16 };

static int is_known_anchor(const struct report *r, const char *text)
{
	for (int i = 0; i < r->anchors; i++)
		if (!strcmp(r->anchor[i], text))
			return 1;
	return 0;
}

static const char *add_anchor(struct report *r, const char *text, struct err *e)
{
	const char **anchors = realloc(r->anchor, ((size_t)r->anchors + 1) * sizeof *anchors);
	const char *copy = anchors ? texts_copy(&r->texts, text, strlen(text), e) : NULL;
	if (anchors)
		r->anchor = anchors;
	if (copy)
		r->anchor[r->anchors++] = copy;
	else
		err_set(e, ERR_MEMORY, "out of memory for a name");
	return copy;
}

const char *report_anchor(struct report *r, const char *kind, const char *a, const char *b, struct err *e)
{
	char text[ANCHOR_MAX + KIND_MAX], numbered[sizeof text + 16];
	snprintf(text, sizeof text, "%s%.60s%s%.16s", *kind || isalnum((unsigned char)*a) ? kind : "x", a, *b ? "-" : "",
	         b);
	for (char *at = text; *at; at++)
		if (!isascii((unsigned char)*at) || (!isalnum((unsigned char)*at) && *at != '.'))
			*at = '-';
	snprintf(numbered, sizeof numbered, "%s", text);
	for (int number = 2; is_known_anchor(r, numbered); number++)
		snprintf(numbered, sizeof numbered, "%s-%d", text, number);
	return add_anchor(r, numbered, e);
}
