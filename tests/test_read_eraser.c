#include "data_files.h"

#define ROW(id, label, more) "{\"annotation_id\": \"" id "\", \"classification\": \"" label "\", " more "}\n"
#define OF(doc)              "\"evidences\": [[{\"docid\": \"" doc "\", \"start_token\": 0, \"end_token\": 1}]]"

TEST(a_review_is_its_document)
{
	struct dataset d;
	put("m/movies/docs/negR_1.txt", "a bad\nfilm .\n");
	put("m/movies/docs/posR_1.txt", "a good film .");
	put("m/movies/val.jsonl", ROW("posR_1.txt", "POS", "\"evidences\": [], \"query\": \"What is it?\"")
	                              ROW("negR_1.txt", "NEG", OF("negR_1.txt") ", \"docids\": null"));
	REQUIRE(must_open(&d, "movies", "m", SPLIT_DEV));
	REQUIRE(d.count == 2);
	CHECK(text_is(&d.sample[0], "a good film .") && !d.sample[0].pair && d.sample[0].label == 1);
	CHECK(text_is(&d.sample[1], "a bad\nfilm .\n") && d.sample[1].label == 0);
	CHECK_INT(d.sample[1].line, 2);
	dataset_close(&d);
}

TEST(a_question_is_a_pair_and_shares_its_passage)
{
	struct dataset d;
	put("q/docs/D.txt", "The passage .");
	put("q/train_subset.jsonl", ROW("D.txt:0:0", "True", OF("D.txt") ", \"query\": \"Who ? || Me\"")
	                                ROW("D.txt:0:1", "False", OF("D.txt") ", \"query\": \"Who ? || You\""));
	REQUIRE(must_open(&d, "multirc", "q", SPLIT_TRAIN));
	REQUIRE(d.count == 2);
	CHECK(pair_is(&d.sample[1], "Who ? || You") && text_is(&d.sample[1], "The passage ."));
	CHECK(d.sample[0].text == d.sample[1].text);
	CHECK_STR(d.labels[d.sample[0].label], "True");
	CHECK_STR(d.note, "train is 'train_subset.jsonl', as there is no 'train.jsonl'");
	dataset_close(&d);
}

TEST(documents_may_be_lines_of_one_file)
{
	struct dataset d;
	put("l/docs.jsonl",
	    "{\"docid\": \"x\", \"document\": \"one\\ntwo\"}\n{\"docid\": \"y/z\", \"document\": \"three\"}\n");
	put("l/test.jsonl", ROW("1", "POS", "\"docids\": [\"y/z\"], \"evidences\": [[]]"));
	REQUIRE(must_open(&d, "movies", "l", SPLIT_TEST));
	CHECK(d.count == 1 && text_is(&d.sample[0], "three"));
	dataset_close(&d);
	put("l/docs.jsonl", "{\"docid\": \"x\", \"document\": \"one\"}\n{\"docid\": \"x\", \"document\": \"two\"}\n");
	CHECK_CONTAINS(refusal("movies", "l", SPLIT_TEST), "document 'x' is there twice in '");
	put("l/docs.jsonl", "{\"docid\": \"x\"}\n");
	CHECK_CONTAINS(refusal("movies", "l", SPLIT_TEST), "no 'document' in '");
}

static const char *complaint(const char *rows)
{
	put("bad/docs/a", "text");
	put("bad/docs/empty", "");
	put("bad/val.jsonl", rows);
	return refusal("movies", "bad", SPLIT_DEV);
}

TEST(faults_name_file_line_and_field)
{
	CHECK_CONTAINS(complaint(ROW("1", "POS", OF("b"))), "no document 'b' in '");
	CHECK_CONTAINS(complaint(ROW("1", "POS", OF("../val.jsonl"))), "no document '../val.jsonl' in '");
	CHECK_CONTAINS(complaint(ROW("1", "POS", OF("empty"))), "nothing in '");
	CHECK_CONTAINS(complaint(ROW("1", "POS", OF("a")) ROW("1", "POS", OF("a"))),
	               "annotation '1' is there twice, again in '");
	CHECK_CONTAINS(complaint(ROW("1", "pos", OF("a"))), "unknown label 'pos' in field 'classification' of '");
	CHECK_CONTAINS(complaint(ROW("1", "POS", OF("a") ", \"docids\": [\"c\"]")), "two documents, 'c' and 'a', in '");
	CHECK_CONTAINS(complaint(ROW("1", "POS", "\"docids\": 3")), "field 'docids' must be an array in '");
	CHECK_CONTAINS(complaint(ROW("1", "POS", "\"docids\": [\"a\"]")), "field 'evidences' must be an array in '");
	CHECK_CONTAINS(complaint(ROW("1", "POS", "\"evidences\": [3]")), "must be an array of arrays in '");
	CHECK_CONTAINS(complaint(ROW("1", "POS", "\"evidences\": [[3]]")), "field 'evidences.docid' must be a text in '");
	CHECK_CONTAINS(complaint("{\"annotation_id\": 1}\n"), "field 'annotation_id' must be a text in '");
	CHECK_CONTAINS(complaint("[]\n"), "expected a JSON object in '");
	CHECK_CONTAINS(complaint("\n"), "no annotations in '");
	put("nodocs/val.jsonl", ROW("1", "POS", OF("a")));
	CHECK_CONTAINS(refusal("movies", "nodocs", SPLIT_DEV), "neither 'docs' nor 'docs.jsonl' in '");
}
