#include "data_files.h"

static void make(const char *root)
{
	char name[256];
	static const char *const files[] = {"test/neg/12_1.txt", "test/neg/2_4.txt", "test/pos/0_10.txt"};
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "%s/%s", root, files[i]);
		put(name, files[i]);
	}
}

TEST(reviews_come_by_class_and_number_from_any_folder_above)
{
	static const char *const above[] = {"i/imdb/aclImdb", "i/imdb", "i"};
	make("i/imdb/aclImdb");
	for (int k = 0; k < 3; k++) {
		struct dataset d;
		REQUIRE(must_open(&d, "imdb", above[k], SPLIT_TEST));
		REQUIRE(d.count == 3);
		CHECK(text_is(&d.sample[0], "test/neg/2_4.txt") && d.sample[0].label == 0);
		CHECK(text_is(&d.sample[1], "test/neg/12_1.txt") && d.sample[1].label == 0);
		CHECK(text_is(&d.sample[2], "test/pos/0_10.txt") && d.sample[2].label == 1);
		CHECK_CONTAINS(d.files[d.sample[1].file], "test/neg/12_1.txt");
		CHECK_INT(d.sample[1].line, 0);
		dataset_close(&d);
	}
}

TEST(files_that_are_no_reviews_are_refused)
{
	make("a");
	put("a/test/pos/readme.txt", "x");
	CHECK_CONTAINS(refusal("imdb", "a", SPLIT_TEST), "expected files named ID_RATING.txt, found 'readme.txt' in '");
	make("b");
	put("b/test/pos/1_4.txt", "x");
	CHECK_CONTAINS(refusal("imdb", "b", SPLIT_TEST), "rating 4 is not one of pos (7-10), of '1_4.txt' in '");
	make("c");
	put("c/test/neg/2_3.txt", "x");
	CHECK_CONTAINS(refusal("imdb", "c", SPLIT_TEST), "two reviews of number 2 in '");
	make("d");
	put("d/test/neg/3_3.txt", "");
	CHECK_CONTAINS(refusal("imdb", "d", SPLIT_TEST), "nothing in '");
	make("e");
	put("e/test/neg/3_3.txt", "caf\xe9");
	CHECK_CONTAINS(refusal("imdb", "e", SPLIT_TEST), "not UTF-8 at byte 3 of '");
	make("f");
	put("f/test/neg/03_3.txt", "x");
	CHECK_CONTAINS(refusal("imdb", "f", SPLIT_TEST), "found '03_3.txt'");
	put("g/test/pos/1_9.txt", "x");
	CHECK_CONTAINS(refusal("imdb", "g", SPLIT_TEST), "cannot open folder '");
}
