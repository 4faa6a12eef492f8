#include "data_files.h"

#include "../eraser/annotations.h"
#include "../eraser/documents.h"

#define EVIDENCE(text) "{\"docid\": \"d\", \"start_token\": 1, \"end_token\": 3, \"text\": \"" text "\"}"

static const char *complaint(const char *rows)
{
	static struct err e;
	struct annotations a;
	e = (struct err){0};
	CHECK(annotations_open(&a, put("bad.jsonl", rows), &e) == ERR_FORMAT);
	CHECK(!a.item && !a.count);
	return e.text;
}

TEST(evidence_groups_are_flattened_and_documents_listed_once)
{
	struct err e = {0};
	struct annotations a;
	REQUIRE_OK(
		annotations_open(
			&a,
			put("a.jsonl",
	            "{\"annotation_id\": \"x\", \"query\": \"q\", \"classification\": \"POS\", \"query_type\": null, "
	            "\"docids\": [\"e\"], \"evidences\": [[" EVIDENCE(
					"b c") ", {\"docid\": \"e\", \"start_token\": "
	                       "0, \"end_token\": 2, \"start_sentence\": 4, \"end_sentence\": 5}], [" EVIDENCE(
							   "b c") "]]}\n\n"
	                                  "{\"annotation_id\": \"y\", \"evidences\": [[]]}\n"),
			&e),
		&e);
	REQUIRE(a.count == 2);
	const struct annotation *x = &a.item[0];
	CHECK_INT(x->evidence_count, 3);
	CHECK_INT(x->docid_count, 2);
	CHECK_STR(x->docids[0], "e");
	CHECK_STR(x->docids[1], "d");
	CHECK_STR(x->label, "POS");
	CHECK(x->evidence[1].start_sentence == 4 && x->evidence[0].start_sentence == -1);
	CHECK(x->evidence[2].group == 1 && x->evidence[2].item == 0);
	CHECK(a.item[1].label == NULL && a.item[1].line == 3);
	CHECK_STR(a.item[1].docids[0], "y");
	CHECK_INT(annotations_find(&a, "y"), 1);
	CHECK_INT(annotations_find(&a, "z"), -1);
	annotations_close(&a);
}

TEST(faults_name_file_line_and_field)
{
	CHECK_CONTAINS(complaint(""), "no annotations in '");
	CHECK_CONTAINS(complaint("{\"annotation_id\": 3, \"evidences\": []}"), "field 'annotation_id' must be a text in '");
	CHECK_CONTAINS(complaint("{\"annotation_id\": \"a\"}"), "field 'evidences' must be an array in '");
	CHECK_CONTAINS(complaint("{\"annotation_id\": \"a\", \"evidences\": [{}]}"),
	               "field 'evidences[0]' must be an array");
	CHECK_CONTAINS(complaint("{\"annotation_id\": \"a\", \"evidences\": [[{\"docid\": \"d\", \"start_token\": 1}]]}"),
	               "no field 'end_token' in evidences[0][0] of '");
	CHECK_CONTAINS(complaint("{\"annotation_id\": \"a\", \"evidences\": [[{\"docid\": \"d\", \"start_token\": 1.5, "
	                         "\"end_token\": 2}]]}"),
	               "field 'start_token'");
	CHECK_CONTAINS(complaint("{\"annotation_id\": \"a\", \"evidences\": [[{\"start_token\": 1, \"end_token\": 2}]]}"),
	               "field 'docid'");
	CHECK_CONTAINS(complaint("{\"annotation_id\": \"a\", \"docids\": [1], \"evidences\": []}"),
	               "field 'docids' must hold texts");
	CHECK_CONTAINS(
		complaint("{\"annotation_id\": \"a\", \"evidences\": []}\n{\"annotation_id\": \"a\", \"evidences\": []}"),
		"annotation 'a' is there twice, again in '");
	CHECK_CONTAINS(complaint("{\"annotation_id\": \"a\", \"evid"), "line 1");
}

TEST(evidence_must_lie_in_its_document_and_say_what_stands_there)
{
	struct err e = {0};
	struct document d;
	struct documents *all;
	const struct annotation of = {.line = 7};
	struct evidence x = {.docid = "d", .start = 1, .end = 3, .text = "b  c"};
	put("e/docs/d", "a b c");
	REQUIRE_OK(documents_open(&all, test_path("e"), &e), &e);
	REQUIRE_OK(documents_load(all, "d", "", &d, &e), &e);
	CHECK_OK(evidence_check(&x, &of, "p", &d, &e), &e);
	x.text = NULL;
	CHECK_OK(evidence_check(&x, &of, "p", &d, &e), &e);
	x.text = "b d";
	CHECK(evidence_check(&x, &of, "p", &d, &e) == ERR_FORMAT);
	CHECK_STR(e.text, "the text is not that of tokens [1,3) of document 'd' in 'p' line 7, evidences[0][0]");
	e = (struct err){0};
	x.text = "b c d";
	CHECK(evidence_check(&x, &of, "p", &d, &e) == ERR_FORMAT);
	e = (struct err){0};
	x.end = 4;
	CHECK(evidence_check(&x, &of, "p", &d, &e) == ERR_FORMAT);
	CHECK_CONTAINS(e.text, "are past the end of document 'd' (3 tokens)");
	e = (struct err){0};
	x.end = 1;
	CHECK(evidence_check(&x, &of, "p", &d, &e) == ERR_FORMAT);
	CHECK_CONTAINS(e.text, "tokens [1,1) are no span");
	documents_close(all);
}
