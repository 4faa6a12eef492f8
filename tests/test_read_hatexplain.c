#include "data_files.h"

TEST(posts_are_read_with_their_majority_label)
{
	struct dataset d;
	put("h/hatexplain/three_class/val.json",
	    "[[\"one post\", \"normal\"],\n [\"caf\\u00e9 \\\"two\\\"\", \"hatespeech\"]]\n");
	REQUIRE(must_open(&d, "hatexplain", "h", SPLIT_DEV));
	REQUIRE(d.count == 2);
	CHECK(text_is(&d.sample[0], "one post") && text_is(&d.sample[1], "caf\xc3\xa9 \"two\""));
	CHECK_STR(d.labels[d.sample[0].label], "normal");
	CHECK_STR(d.labels[d.sample[1].label], "hatespeech");
	CHECK_INT(d.sample[1].line, 2);
	dataset_close(&d);
}

TEST(faults_name_the_item)
{
	put("b/test.json", "[[\"x\", \"normal\"], [\"y\", \"rude\"]]");
	CHECK_CONTAINS(refusal("hatexplain", "b", SPLIT_TEST), "unknown label 'rude' in field 'label' of '");
	CHECK_CONTAINS(refusal("hatexplain", "b", SPLIT_TEST), "line 2 (known: hatespeech, normal, offensive)");
	put("b/test.json", "[[\"x\", \"normal\", 3]]");
	CHECK_CONTAINS(refusal("hatexplain", "b", SPLIT_TEST), "expected [text, label] as item 1 of '");
	put("b/test.json", "[[\"\", \"normal\"]]");
	CHECK_CONTAINS(refusal("hatexplain", "b", SPLIT_TEST), "empty text in item 1 of '");
	put("b/test.json", "[[\"a\\u0000b\", \"normal\"]]");
	CHECK_CONTAINS(refusal("hatexplain", "b", SPLIT_TEST), "a NUL character in '");
	put("b/test.json", "{}");
	CHECK_CONTAINS(refusal("hatexplain", "b", SPLIT_TEST), "expected a JSON array of [text, label] in '");
	put("b/test.json", "[[\"x\", \"normal\"]");
	CHECK_CONTAINS(refusal("hatexplain", "b", SPLIT_TEST), "not valid JSON near byte");
}
