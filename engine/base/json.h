/* Reading JSON with errors that name the file and the field. A thin layer over cJSON. */
#ifndef ADAPLER_BASE_JSON_H
#define ADAPLER_BASE_JSON_H

#include <cjson/cJSON.h>
#include <stddef.h>

struct err;

/* Parses exactly `size` bytes; `name` (a path, or "line 3 of ...") is used in errors. NULL on error. Trailing bytes
 * other than white space, and nesting deeper than cJSON's limit, are errors that say near which byte. */
cJSON *json_parse(const char *bytes, size_t size, const char *name, struct err *e);
cJSON *json_parse_file(const char *path, struct err *e);

/* Fields of an object. get_*: an absent field leaves *value as it is, a null too; one of the wrong type, a number that
 * is no integer or one outside [low, high] is an error `field 'x' of 'name' must be ...`. */
int json_get_int(const cJSON *object, const char *field, long long *value, long long low, long long high,
                 const char *name, struct err *e);
int json_get_double(const cJSON *object, const char *field, double *value, const char *name, struct err *e);
int json_get_bool(const cJSON *object, const char *field, int *value, const char *name, struct err *e);
/* Borrowed from the object. */
int json_get_string(const cJSON *object, const char *field, const char **value, const char *name, struct err *e);

#endif
