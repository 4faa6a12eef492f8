#include "../engine/base/err.h"
#include "../engine/base/json.h"
#include "test.h"

#include <string.h>

static struct err error;

static cJSON *parse(const char *text)
{
	error = (struct err){0};
	return json_parse(text, strlen(text), "x.json", &error);
}

static const char *complaint(const char *text)
{
	CHECK(parse(text) == NULL);
	CHECK_INT(error.code, ERR_FORMAT);
	return error.text;
}

TEST(faults_are_located)
{
	CHECK_STR(complaint("{\"a\": 1, \"b\" 2}"), "not valid JSON near byte 13 of 'x.json'");
	CHECK_STR(complaint(""), "not valid JSON near byte 0 of 'x.json'");
	CHECK_STR(complaint("{} {}"), "unexpected text after the JSON at byte 3 of 'x.json'");
	complaint("{\"a\": ");
	complaint("nul");
}

TEST(white_space_may_follow)
{
	cJSON *j = parse(" {} \n\t\r");
	CHECK(j != NULL);
	cJSON_Delete(j);
}

TEST(only_the_given_bytes_are_read)
{
	cJSON *j = json_parse("[1]garbage", 3, "x", &error);
	CHECK(cJSON_GetArraySize(j) == 1);
	cJSON_Delete(j);
}

TEST(deep_nesting_is_an_error_not_a_crash)
{
	static char deep[100001];
	memset(deep, '[', sizeof deep - 1);
	complaint(deep);
}

TEST(fields_are_read_and_absent_ones_left_alone)
{
	cJSON *j = parse("{\"i\": 7, \"d\": 0.5, \"b\": true, \"s\": \"text\", \"n\": null}");
	REQUIRE(j);
	long long i = 1, n = 2;
	double d = 1;
	int b = 0;
	const char *s = NULL;
	CHECK_OK(json_get_int(j, "i", &i, 0, 10, "x", &error), &error);
	CHECK_OK(json_get_int(j, "n", &n, 5, 10, "x", &error), &error);
	CHECK_OK(json_get_int(j, "I", &n, 5, 10, "x", &error), &error);
	CHECK_OK(json_get_double(j, "d", &d, "x", &error), &error);
	CHECK_OK(json_get_bool(j, "b", &b, "x", &error), &error);
	CHECK_OK(json_get_string(j, "s", &s, "x", &error), &error);
	CHECK(i == 7 && n == 2 && d == 0.5 && b == 1);
	CHECK_STR(s, "text");
	cJSON_Delete(j);
}

static const char *int_complaint(const char *text)
{
	cJSON *j = parse(text);
	long long i = 0;
	CHECK(json_get_int(j, "i", &i, 1, 512, "config.json", &error) != 0);
	CHECK_INT(i, 0);
	cJSON_Delete(j);
	return error.text;
}

TEST(wrong_fields_are_named)
{
	CHECK_STR(int_complaint("{\"i\": \"7\"}"), "field 'i' of 'config.json' must be an integer");
	CHECK_STR(int_complaint("{\"i\": 1.5}"), "field 'i' of 'config.json' must be an integer");
	CHECK_STR(int_complaint("{\"i\": 0}"), "field 'i' of 'config.json' must be from 1 to 512, found 0");
	CHECK_STR(int_complaint("{\"i\": 1e300}"),
	          "field 'i' of 'config.json' must be from 1 to 512, found 1.0000000000000001e+300");
	cJSON *j = parse("{\"x\": []}");
	double d = 0;
	int b = 0;
	const char *s = NULL;
	CHECK_INT(json_get_double(j, "x", &d, "f", &error), ERR_FORMAT);
	CHECK_STR(error.text, "field 'x' of 'f' must be a number");
	error = (struct err){0};
	CHECK_INT(json_get_bool(j, "x", &b, "f", &error), ERR_FORMAT);
	CHECK_STR(error.text, "field 'x' of 'f' must be true or false");
	error = (struct err){0};
	CHECK_INT(json_get_string(j, "x", &s, "f", &error), ERR_FORMAT);
	CHECK_STR(error.text, "field 'x' of 'f' must be a string");
	cJSON_Delete(j);
}

TEST(a_file_that_is_not_there_is_named)
{
	error = (struct err){0};
	CHECK(json_parse_file("/no/such.json", &error) == NULL);
	CHECK_STR(error.text, "cannot open '/no/such.json': No such file or directory");
}
