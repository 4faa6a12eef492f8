/* Words, pieces and windows: aligned both ways, and cut between words. */
#include "small_eraser.h"

#include "../eraser/documents.h"

#include <math.h>

static int align(struct alignment *a, const struct tokenizer *t, const char *text)
{
	struct err e = {0};
	struct documents *all;
	struct document d;
	put("aligned/docs/d", text);
	int is_open = CHECK_OK(documents_open(&all, test_path("aligned"), &e), &e) &&
	              CHECK_OK(documents_load(all, "d", "", &d, &e), &e) && CHECK_OK(alignment_make(a, t, &d, &e), &e);
	documents_close(all);
	return is_open;
}

TEST(every_piece_has_its_word_and_every_word_its_pieces)
{
	struct err e = {0};
	struct alignment a;
	struct tokenizer *t;
	REQUIRE_OK(
		tokenizer_open(&t, put("v/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ngood\n##ness\n,\nfilm\n"), &e), &e);
	/* "goodness," is three pieces, U+200B none, "film" one; "odd" is unknown. */
	REQUIRE(align(&a, t, "goodness, \xE2\x80\x8B film\nodd"));
	CHECK_INT(a.tokens, 4);
	CHECK_INT(a.pieces, 5);
	CHECK(a.first[0] == 0 && a.first[1] == 3 && a.first[2] == 3 && a.first[3] == 4 && a.first[4] == 5);
	CHECK(a.ids[0] == 5 && a.ids[1] == 6 && a.ids[2] == 7 && a.ids[3] == 8 && a.ids[4] == 1);
	for (int w = 0; w < a.tokens; w++)
		for (int p = a.first[w]; p < a.first[w + 1]; p++)
			CHECK_INT(a.token[p], w);
	alignment_free(&a);
	tokenizer_close(t);
}

TEST(a_word_s_value_is_that_of_its_pieces)
{
	int first[] = {0, 3, 3, 4};
	const struct alignment a = {.tokens = 3, .pieces = 4, .first = first};
	const float value[] = {1, NAN, 3, -2};
	float out[3];
	alignment_aggregate(out, &a, value, AGGREGATE_MAX);
	CHECK(out[0] == 3 && isnan(out[1]) && out[2] == -2);
	alignment_aggregate(out, &a, value, AGGREGATE_MEAN);
	CHECK(out[0] == 2 && out[2] == -2);
	alignment_aggregate(out, &a, value, AGGREGATE_SUM);
	CHECK(out[0] == 4);
	alignment_aggregate(out, &a, value, AGGREGATE_FIRST);
	CHECK(out[0] == 1);
}

/* Ten words of one piece each, windows of four. */
static void cut(struct windows *w, const unsigned char *rationale, const struct frame *f)
{
	static int first[11], ids[10], token[10];
	struct err e = {0};
	for (int i = 0; i < 10; i++) {
		first[i + 1] = i + 1;
		ids[i] = 100 + i;
		token[i] = i;
	}
	const struct alignment a = {.tokens = 10, .pieces = 10, .first = first, .ids = ids, .token = token};
	CHECK_OK(windows_cut(w, &a, rationale, f, &e), &e);
}

static const struct frame four = {.cls = 1, .sep = 2, .max_length = 6};

TEST(windows_follow_each_other_and_hold_what_fits)
{
	struct windows w;
	cut(&w, NULL, &four);
	REQUIRE(w.count == 3);
	CHECK(w.item[0].first == 0 && w.item[0].last == 4 && w.item[1].last == 8 && w.item[2].last == 10);
	CHECK(w.item[1].n == 6 && w.item[1].ids[0] == 1 && w.item[1].ids[1] == 104 && w.item[1].ids[5] == 2);
	CHECK(w.item[2].n == 4 && w.item[2].piece == 8 && w.item[2].pieces == 2 && w.item[2].type_ids[3] == 0);
	windows_free(&w);
}

TEST(a_window_ends_before_a_rationale_rather_than_within)
{
	struct windows w;
	const unsigned char inside[10] = {0, 0, 0, 1, 1, 0, 0, 0, 0, 0}, at_end[10] = {0, 0, 1, 1, 0, 0, 0, 0, 0, 0},
						long_one[10] = {1, 1, 1, 1, 1, 1, 0, 0, 0, 0};
	cut(&w, inside, &four);
	CHECK(w.item[0].last == 3 && w.item[1].last == 7 && w.cut_rationales == 0);
	windows_free(&w);
	cut(&w, at_end, &four);
	CHECK(w.item[0].last == 4);
	windows_free(&w);
	cut(&w, long_one, &four);
	CHECK(w.item[0].last == 4 && w.cut_rationales == 1);
	windows_free(&w);
}

TEST(the_query_stands_in_every_window)
{
	struct windows w;
	struct err e = {0};
	const int query[] = {7, 8};
	struct frame f = four;
	f.query = query;
	f.query_size = 2;
	f.max_length = 8; /* leaves three */
	cut(&w, NULL, &f);
	REQUIRE(w.count == 4);
	CHECK(w.item[0].n == 8 && w.item[0].ids[4] == 2 && w.item[0].ids[5] == 7 && w.item[0].ids[7] == 2);
	CHECK(w.item[0].type_ids[4] == 0 && w.item[0].type_ids[5] == 1 && w.item[0].type_ids[7] == 1);
	windows_free(&w);
	f.max_length = 5;
	CHECK(windows_cut(&w, &(struct alignment){.tokens = 1}, NULL, &f, &e) == ERR_USAGE);
	CHECK_CONTAINS(e.text, "leave no room");
}

TEST(a_word_longer_than_a_window_loses_its_end)
{
	int first[] = {0, 9, 10}, ids[10] = {0}, token[10] = {0};
	const struct alignment a = {.tokens = 2, .pieces = 10, .first = first, .ids = ids, .token = token};
	struct windows w;
	struct err e = {0};
	REQUIRE_OK(windows_cut(&w, &a, NULL, &four, &e), &e);
	CHECK(w.count == 2 && w.cut_tokens == 1 && w.item[0].pieces == 4 && w.item[1].piece == 9);
	windows_free(&w);
}

/* ---- instances ---- */

TEST(instances_are_annotations_with_their_documents)
{
	struct small_eraser s;
	struct instance x;
	struct err e = {0};
	REQUIRE(small_eraser_open(&s, NULL));
	CHECK_INT(s.instances.count, 3);
	CHECK(s.instances.options.query == QUERY_NONE); /* all ask the same */
	REQUIRE_OK(instance_open(&x, &s.instances, 2, &e), &e);
	CHECK_STR(x.docid, "f");
	CHECK_INT(x.tokens, 20);
	CHECK_INT(x.rationale_tokens, 6);
	/* 14 pieces fit; the rationale of words 9 to 14 would be cut at 14, so the first window ends at 9. */
	REQUIRE(x.windows.count == 2);
	CHECK(x.windows.item[0].last == 9 && x.windows.item[1].last == 20);
	CHECK(!strncmp(x.words, "c b a b", 7) && strlen(x.words) == 39);
	instance_close(&x);
	small_eraser_close(&s);
}

TEST(evidence_that_does_not_fit_stops_or_is_mended)
{
	struct err e = {0};
	struct instances all;
	struct instance x;
	struct small_eraser s;
	struct instances_options o = {.max_length = TINY_P};
	REQUIRE(small_eraser_open(&s, NULL));
	put("data/test.jsonl",
	    "{\"annotation_id\": \"1\", \"evidences\": [[{\"docid\": \"e\", \"start_token\": 1, \"end_token\": 5}, "
	    "{\"docid\": \"e\", \"start_token\": 1, \"end_token\": 1}]]}\n");
	REQUIRE_OK(instances_open(&all, s.data, "test", s.tokenizer, &o, &e), &e);
	CHECK(instance_open(&x, &all, 0, &e) == ERR_FORMAT);
	CHECK_CONTAINS(e.text, "past the end of document 'e' (2 tokens)");
	CHECK_CONTAINS(e.text, "(--lenient goes on)");
	e = (struct err){0};
	all.options.is_lenient = 1;
	REQUIRE_OK(instance_open(&x, &all, 0, &e), &e);
	CHECK(all.faults == 2 && x.rationale_tokens == 1 && x.rationale[1]);
	instance_close(&x);
	instances_close(&all);
	CHECK(instances_open(&all, s.data, "train", s.tokenizer, &o, &e) == ERR_USAGE);
	CHECK_CONTAINS(e.text, "no split 'train'");
	small_eraser_close(&s);
}
