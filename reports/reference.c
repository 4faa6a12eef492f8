#include "reference.h"

#include "../engine/base/err.h"
#include "../engine/base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int read_row(struct reference_row *r, const cJSON *item, const char *path, int number, struct err *e)
{
	char name[600];
	snprintf(name, sizeof name, "%.500s' row '%d", path, number);
	*r = (struct reference_row){
		.settings = "", .metric = "", .note = "", .quality = NAN, .flops_speedup = NAN, .time_speedup = NAN};
	if (!cJSON_IsObject(item))
		return err_set(e, ERR_FORMAT, "row %d of '%s' must be an object", number, path);
	int code = json_get_string(item, "task", &r->task, name, e);
	if (!code)
		code = json_get_string(item, "method", &r->method, name, e);
	if (!code)
		code = json_get_string(item, "settings", &r->settings, name, e);
	if (!code)
		code = json_get_string(item, "metric", &r->metric, name, e);
	if (!code)
		code = json_get_string(item, "note", &r->note, name, e);
	if (!code)
		code = json_get_double(item, "quality", &r->quality, name, e);
	if (!code)
		code = json_get_double(item, "flops_speedup", &r->flops_speedup, name, e);
	if (!code)
		code = json_get_double(item, "time_speedup", &r->time_speedup, name, e);
	if (!code && (!r->task || !r->method || isnan(r->quality)))
		code = err_set(e, ERR_FORMAT, "row %d of '%s' needs task, method and quality", number, path);
	if (!code && (r->quality < -100 || r->quality > 100))
		code = err_set(e, ERR_FORMAT, "field 'quality' of row %d of '%s' must be in percent, not %g", number, path,
		               r->quality);
	r->quality /= 100;
	return code;
}

static int read_rows(struct reference *r, const char *path, struct err *e)
{
	const cJSON *rows = cJSON_GetObjectItemCaseSensitive(r->json, "rows"), *item;
	int code = json_get_string(r->json, "source", &r->source, path, e);
	if (code)
		return code;
	if (!cJSON_IsArray(rows))
		return err_set(e, ERR_FORMAT, "field 'rows' of '%s' must be a list", path);
	r->row = calloc((size_t)cJSON_GetArraySize(rows) + 1, sizeof *r->row);
	if (!r->row)
		return err_set(e, ERR_MEMORY, "out of memory for the rows of '%s'", path);
	cJSON_ArrayForEach(item, rows)
	{
		code = code ? code : read_row(&r->row[r->rows], item, path, r->rows + 1, e);
		r->rows++;
	}
	return code;
}

int reference_read(struct reference *r, const char *path, struct err *e)
{
	*r = (struct reference){.source = ""};
	if (!path)
		return 0;
	r->json = json_parse_file(path, e);
	if (!r->json)
		return e && e->code ? e->code : ERR_FORMAT;
	int code = cJSON_IsObject(r->json) ? read_rows(r, path, e) : err_set(e, ERR_FORMAT, "'%s' must be an object", path);
	if (code)
		reference_free(r);
	return code;
}

void reference_free(struct reference *r)
{
	cJSON_Delete(r->json);
	free(r->row);
	*r = (struct reference){.source = ""};
}
