/* adapler show: everything about one run, for a person. */
#include "derive.h"
#include "store_facts.h"

#include "../engine/base/buf.h"
#include "../engine/base/err.h"
#include "../engine/base/json.h"
#include "../engine/base/opt.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct show_args {
	const char *db;
	int json;
};

static const struct opt options[] = {
	{"db", 'd', OPT_FILE, offsetof(struct show_args, db), "FILE", "the database", 0, 0},
	{"json", 0, OPT_FLAG, offsetof(struct show_args, json), NULL, "one JSON object", 0, 0},
	{.kind = OPT_END},
};

enum { BAR = 40, CONFUSION_MOST = 20 };

/* What the row of a run says, kept: visitors only lend it. */
struct shown_run {
	char kind[40];
	int is_finished;
	cJSON *args;
	cJSON *json; /* the object that --json prints; also the lines for people, in order */
};

/* ---- the run's row --------------------------------------------------------------------------------------------- */

static void add_text(cJSON *to, const char *name, const char *text)
{
	if (text)
		cJSON_AddStringToObject(to, name, text);
}

static int take_run(const struct store_row *row, void *arg, struct err *e)
{
	struct shown_run *x = arg;
	const struct store_run *r = &row->run;
	snprintf(x->kind, sizeof x->kind, "%s", r->kind);
	x->is_finished = row->finished != NULL;
	cJSON_AddNumberToObject(x->json, "run", (double)row->id);
	add_text(x->json, "key", r->key);
	add_text(x->json, "kind", r->kind);
	add_text(x->json, "task", r->task);
	add_text(x->json, "split", r->split);
	add_text(x->json, "policy", r->policy);
	cJSON_AddNumberToObject(x->json, "seed", (double)r->seed);
	cJSON_AddNumberToObject(x->json, "threads", r->threads);
	add_text(x->json, "model_sha", r->model_sha);
	add_text(x->json, "data_sha", r->data_sha);
	add_text(x->json, "rev", r->rev);
	add_text(x->json, "started", row->started);
	add_text(x->json, "finished", row->finished);
	x->args = json_parse(r->args, strlen(r->args), "args of a run", e);
	return x->args ? 0 : ERR_FORMAT;
}

static cJSON *number_or_null(double value) { return isnan(value) ? cJSON_CreateNull() : cJSON_CreateNumber(value); }

static int take_metric(const char *name, double value, double lo, double hi, void *arg, struct err *e)
{
	cJSON *three = cJSON_CreateArray();
	(void)e;
	cJSON_AddItemToArray(three, number_or_null(value));
	cJSON_AddItemToArray(three, number_or_null(lo));
	cJSON_AddItemToArray(three, number_or_null(hi));
	cJSON_AddItemToObject(arg, name, three);
	return 0;
}

/* ---- what only the facts tell ---------------------------------------------------------------------------------- */

static void add_confusion(cJSON *to, const struct facts *f, struct err *e)
{
	const size_t C = (size_t)f->classes;
	long long *counts = f->classes ? calloc(C * C, sizeof *counts) : NULL;
	for (int i = 0; i < f->n && f->classes; i++)
		if (f->gold[i] < 0) {
			free(counts);
			return;
		}
	if (!counts) {
		if (f->classes)
			err_set(e, ERR_MEMORY, "out of memory for %d classes", f->classes);
		return;
	}
	metric_confusion(counts, f->gold, f->pred, f->n, f->classes);
	cJSON *matrix = cJSON_AddArrayToObject(to, "confusion");
	for (size_t g = 0; g < C; g++) {
		cJSON *row = cJSON_CreateArray();
		for (size_t p = 0; p < C; p++)
			cJSON_AddItemToArray(row, cJSON_CreateNumber((double)counts[g * C + p]));
		cJSON_AddItemToArray(matrix, row);
	}
	free(counts);
}

static void add_turns(cJSON *to, const struct facts *f)
{
	static const char *const names[ARM_COUNT] = {"seconds_by_turn", "dense_seconds_by_turn"};
	for (int arm = 0; arm < ARM_COUNT; arm++) {
		cJSON *list = f->turns[arm] ? cJSON_AddArrayToObject(to, names[arm]) : NULL;
		for (int t = 0; t < f->turns[arm]; t++)
			cJSON_AddItemToArray(list, cJSON_CreateNumber((double)derive_ns(f, (enum facts_arm)arm, t) * 1e-9));
	}
}

static int take_facts(struct store *s, int64_t run, struct shown_run *x, struct err *e)
{
	struct facts f;
	struct err local = {0};
	if (strcmp(x->kind, "eval") != 0)
		return 0;
	int code = store_facts_get(s, run, STORE_TIMES, &f, e);
	if (code)
		return code;
	add_confusion(x->json, &f, &local);
	add_turns(x->json, &f);
	facts_close(&f);
	return local.code ? err_set(e, local.code, "%s", local.text) : 0;
}

/* ---- for people ------------------------------------------------------------------------------------------------ */

static void print_scalar(const char *name, const cJSON *item)
{
	if (cJSON_IsString(item))
		printf("  %-16s %s\n", name, item->valuestring);
	else if (cJSON_IsNumber(item))
		printf("  %-16s %.10g\n", name, item->valuedouble);
}

static void print_args(const cJSON *args)
{
	const cJSON *item;
	cJSON_ArrayForEach(item, args)
	{
		char *text = cJSON_IsObject(item) || cJSON_IsArray(item) ? cJSON_PrintUnformatted(item) : NULL;
		if (text)
			printf("  %-16s %s\n", item->string, text);
		else
			print_scalar(item->string, item);
		cJSON_free(text);
	}
}

static double value_of(const cJSON *three, int at)
{
	const cJSON *item = cJSON_GetArrayItem(three, at);
	return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static void print_metrics(const cJSON *stored)
{
	const cJSON *item;
	cJSON_ArrayForEach(item, stored)
	{
		if (!strncmp(item->string, "kept/", 5))
			continue;
		printf("  %-20s ", item->string);
		if (isnan(value_of(item, 0)))
			printf("undefined");
		else
			printf("%.6g", value_of(item, 0));
		if (!isnan(value_of(item, 1)))
			printf("  [%.6g, %.6g]", value_of(item, 1), value_of(item, 2));
		printf("\n");
	}
}

static void print_kept(const cJSON *stored)
{
	char name[40];
	for (int l = 0;; l++) {
		snprintf(name, sizeof name, "kept/layer-%d", l);
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(stored, name);
		if (!item)
			break;
		if (!l)
			printf("tokens that each layer attends to\n");
		const int length = (int)lround(value_of(item, 0) * BAR);
		printf("  layer %-3d %5.1f %%  ", l, 100 * value_of(item, 0));
		for (int i = 0; i < length; i++)
			printf("#");
		printf("\n");
	}
}

static const char *label_of(const cJSON *labels, int i)
{
	static char number[16];
	const cJSON *label = cJSON_GetArrayItem(labels, i);
	snprintf(number, sizeof number, "%d", i);
	return cJSON_IsString(label) ? label->valuestring : number;
}

static void print_confusion(const cJSON *matrix, const cJSON *labels)
{
	const int C = cJSON_GetArraySize(matrix);
	if (!C || C > CONFUSION_MOST)
		return;
	printf("confusion: rows are gold, columns predicted\n  %-16s", "");
	for (int p = 0; p < C; p++)
		printf(" %10.10s", label_of(labels, p));
	for (int g = 0; g < C; g++) {
		printf("\n  %-16.16s", label_of(labels, g));
		for (int p = 0; p < C; p++)
			printf(" %10.0f", value_of(cJSON_GetArrayItem(matrix, g), p));
	}
	printf("\n");
}

static void print_turns(const cJSON *list, const char *title)
{
	const cJSON *item;
	if (!list)
		return;
	printf("  %-16s", title);
	cJSON_ArrayForEach(item, list) printf(" %.4g", item->valuedouble);
	printf("\n");
}

static void print_person(const struct shown_run *x)
{
	const cJSON *item, *stored = cJSON_GetObjectItemCaseSensitive(x->json, "metrics");
	printf("run\n");
	cJSON_ArrayForEach(item, x->json) print_scalar(item->string, item);
	if (!x->is_finished)
		printf("  %-16s not yet\n", "finished");
	printf("settings\n");
	print_args(x->args);
	if (cJSON_GetArraySize(stored))
		printf("metrics, with 95 %% intervals; of times the least and the most turn\n");
	print_metrics(stored);
	print_kept(stored);
	print_confusion(cJSON_GetObjectItemCaseSensitive(x->json, "confusion"),
	                cJSON_GetObjectItemCaseSensitive(x->args, "labels"));
	if (cJSON_GetObjectItemCaseSensitive(x->json, "seconds_by_turn"))
		printf("seconds, turn by turn\n");
	print_turns(cJSON_GetObjectItemCaseSensitive(x->json, "seconds_by_turn"), "policy");
	print_turns(cJSON_GetObjectItemCaseSensitive(x->json, "dense_seconds_by_turn"), "dense");
}

static int print_json(struct shown_run *x, struct err *e)
{
	cJSON_AddItemToObject(x->json, "args", x->args);
	x->args = NULL;
	char *text = cJSON_PrintUnformatted(x->json);
	if (!text)
		return err_set(e, ERR_MEMORY, "out of memory for a run");
	puts(text);
	cJSON_free(text);
	return 0;
}

/* ---- the command ----------------------------------------------------------------------------------------------- */

static int show(const struct show_args *a, const char *name, struct err *e)
{
	struct store *s;
	struct shown_run x = {.json = cJSON_CreateObject()};
	int64_t run;
	int code = store_open(&s, a->db, &(struct store_options){.is_read_only = 1}, e);
	if (!code)
		code = store_run_find(s, name, &run, e);
	if (!code)
		code = store_run_get(s, run, take_run, &x, e);
	if (!code)
		code = store_metric_each(s, run, take_metric, cJSON_AddObjectToObject(x.json, "metrics"), e);
	if (!code)
		code = take_facts(s, run, &x, e);
	if (!code && a->json)
		code = print_json(&x, e);
	else if (!code)
		print_person(&x);
	cJSON_Delete(x.args);
	cJSON_Delete(x.json);
	store_close(s);
	return code;
}

static int show_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct show_args a = {0};
	char **rest;
	int count, code = opt_parse(command, argc, argv, &a, &rest, &count, e);
	if (code)
		return code;
	if (!a.db || count != 1)
		return err_set(e, ERR_USAGE, "show needs --db FILE and one RUN: its number, its key, or how its key begins");
	return show(&a, rest[0], e);
}

const struct command show_command = {
	.name = "show",
	.summary = "everything about one run",
	.usage = "--db FILE RUN [--json]",
	.details = "Settings, hashes, machine, every metric with its interval, the confusion matrix, tokens by layer, "
			   "times by turn.",
	.examples = "adapler show --db runs.db 3",
	.options = options,
	.run = show_run,
};
