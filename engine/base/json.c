#include "json.h"

#include "err.h"
#include "file.h"

#include <math.h>

static int is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

cJSON *json_parse(const char *bytes, size_t size, const char *name, struct err *e)
{
	const char *end = bytes;
	cJSON *value = size ? cJSON_ParseWithLengthOpts(bytes, size, &end, 0) : NULL;
	size_t at = end ? (size_t)(end - bytes) : 0;
	if (!value) {
		err_set(e, ERR_FORMAT, "not valid JSON near byte %zu of '%s'", at, name);
		return NULL;
	}
	while (at < size && is_space(bytes[at]))
		at++;
	if (at < size) {
		err_set(e, ERR_FORMAT, "unexpected text after the JSON at byte %zu of '%s'", at, name);
		cJSON_Delete(value);
		return NULL;
	}
	return value;
}

cJSON *json_parse_file(const char *path, struct err *e)
{
	struct file_map m;
	if (file_map_open(&m, path, e))
		return NULL;
	cJSON *value = json_parse((const char *)m.data, m.size, path, e);
	file_map_close(&m);
	return value;
}

/* NULL: absent, or null, which stands for the same. */
static const cJSON *find(const cJSON *object, const char *field)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);
	return cJSON_IsNull(item) ? NULL : item;
}

static int wrong(const char *field, const char *name, const char *wanted, struct err *e)
{
	return err_set(e, ERR_FORMAT, "field '%s' of '%s' must be %s", field, name, wanted);
}

int json_get_int(const cJSON *object, const char *field, long long *value, long long low, long long high,
                 const char *name, struct err *e)
{
	const cJSON *item = find(object, field);
	if (!item)
		return 0;
	double v = item->valuedouble;
	if (!cJSON_IsNumber(item) || v != floor(v))
		return wrong(field, name, "an integer", e);
	if (v < (double)low || v > (double)high || fabs(v) >= 0x1p63)
		return err_set(e, ERR_LIMIT, "field '%s' of '%s' must be from %lld to %lld, found %.17g", field, name, low,
		               high, v);
	*value = (long long)v;
	return 0;
}

int json_get_double(const cJSON *object, const char *field, double *value, const char *name, struct err *e)
{
	const cJSON *item = find(object, field);
	if (!item)
		return 0;
	if (!cJSON_IsNumber(item))
		return wrong(field, name, "a number", e);
	*value = item->valuedouble;
	return 0;
}

int json_get_bool(const cJSON *object, const char *field, int *value, const char *name, struct err *e)
{
	const cJSON *item = find(object, field);
	if (!item)
		return 0;
	if (!cJSON_IsBool(item))
		return wrong(field, name, "true or false", e);
	*value = cJSON_IsTrue(item);
	return 0;
}

int json_get_string(const cJSON *object, const char *field, const char **value, const char *name, struct err *e)
{
	const cJSON *item = find(object, field);
	if (!item)
		return 0;
	if (!cJSON_IsString(item))
		return wrong(field, name, "a string", e);
	*value = item->valuestring;
	return 0;
}
