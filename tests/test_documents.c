#include "data_files.h"

#include "../eraser/documents.h"

static struct documents *open_folder(const char *name)
{
	struct err e = {0};
	struct documents *d;
	return CHECK_OK(documents_open(&d, test_path(name), &e), &e) ? d : NULL;
}

static int load(struct documents *d, const char *id, struct document *out)
{
	struct err e = {0};
	return CHECK_OK(documents_load(d, id, "'x' line 1", out, &e), &e);
}

static const char *token(const struct document *d, int t)
{
	static char text[64];
	snprintf(text, sizeof text, "%.*s", (int)(d->token[t][1] - d->token[t][0]), d->text + d->token[t][0]);
	return text;
}

static const char *refusal_of(struct documents *d, const char *id)
{
	static struct err e;
	struct document out;
	e = (struct err){0};
	CHECK(documents_load(d, id, "'x' line 1", &out, &e) != 0);
	return e.text;
}

TEST(lines_are_stripped_and_empty_ones_and_double_spaces_count_nothing)
{
	struct document x;
	put("f/docs/a", " one  two\r\n\r\n\t \xC2\xA0three\xE3\x80\x80\rfour\ttab x \n");
	struct documents *d = open_folder("f");
	REQUIRE(d && load(d, "a", &x));
	CHECK_INT(x.tokens, 5);
	CHECK_INT(x.sentences, 3);
	CHECK_STR(token(&x, 1), "two");
	CHECK_STR(token(&x, 2), "three");
	CHECK_STR(token(&x, 3), "four\ttab");
	CHECK(x.sentence[0] == 0 && x.sentence[1] == 2 && x.sentence[2] == 3 && x.sentence[3] == 5);
	documents_close(d);
}

/* docs.jsonl keeps what docs/ drops: indices differ. */
TEST(lines_of_a_file_keep_empty_tokens)
{
	struct document x;
	put("j/docs.jsonl", "{\"docid\": \"a\", \"document\": \" one  two\\n\\nthree\\r\\n\"}\n\n"
	                    "{\"docid\": \"b\", \"document\": \"x\"}\n");
	struct documents *d = open_folder("j");
	REQUIRE(d && load(d, "a", &x));
	CHECK_INT(x.sentences, 4);
	CHECK_INT(x.tokens, 6); /* one, empty, two | empty | three | empty */
	CHECK_STR(token(&x, 1), "");
	CHECK_STR(token(&x, 4), "three");
	REQUIRE(load(d, "b", &x));
	CHECK_INT(x.tokens, 1);
	CHECK(documents_has(d, "a") && !documents_has(d, "c"));
	documents_close(d);
}

TEST(what_cannot_be_read_is_refused)
{
	struct err e = {0};
	struct documents *d;
	put("r/docs/empty", "\n \n");
	put("r/docs/latin", "caf\xE9");
	put("secret", "not to be read");
	d = open_folder("r");
	REQUIRE(d != NULL);
	CHECK_CONTAINS(refusal_of(d, "none"), "no document 'none' in '");
	CHECK_CONTAINS(refusal_of(d, "none"), "asked for in 'x' line 1");
	CHECK_CONTAINS(refusal_of(d, "../../secret"), "no document '../../secret'");
	CHECK_CONTAINS(refusal_of(d, "empty"), "is empty");
	CHECK_CONTAINS(refusal_of(d, "latin"), "is not UTF-8 at byte 3");
	documents_close(d);
	CHECK(documents_open(&d, test_path("nowhere"), &e) == ERR_FORMAT && !d);
	CHECK_CONTAINS(e.text, "neither 'docs' nor 'docs.jsonl'");
	e = (struct err){0};
	put("t/docs.jsonl", "{\"docid\": \"a\", \"document\": \"x\"}\n{\"docid\": \"a\", \"document\": \"y\"}\n");
	CHECK(documents_open(&d, test_path("t"), &e) == ERR_FORMAT && !d);
	CHECK_CONTAINS(e.text, "document 'a' is there twice, again in '");
	e = (struct err){0};
	put("t/docs.jsonl", "{\"docid\": \"a\", \"document\": 3}\n");
	CHECK(documents_open(&d, test_path("t"), &e) == ERR_FORMAT);
	CHECK_CONTAINS(e.text, "field 'document' must be a text in '");
}

TEST(a_document_of_ten_megabytes_is_cut)
{
	enum { WORDS = 1 << 21 };
	static char text[5 * WORDS];
	struct document x;
	for (int i = 0; i < WORDS; i++)
		memcpy(text + 5 * i, i % 20 ? "word " : "end.\n", 5);
	put_bytes("big/docs/a", text, sizeof text);
	struct documents *d = open_folder("big");
	REQUIRE(d && load(d, "a", &x));
	CHECK_INT(x.tokens, WORDS);
	CHECK_INT(x.sentences, WORDS / 20 + 2);
	documents_close(d);
}
