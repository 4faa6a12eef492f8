#include "../eval/sweep.h"

#include "test.h"

#include "../engine/base/err.h"

#include <stdio.h>
#include <string.h>

static int parsed(struct sweep *s, const char *json)
{
	struct err e = {0};
	return CHECK_OK(sweep_parse(s, json, strlen(json), "spec.json", &e), &e);
}

static void refused(const char *json, const char *why)
{
	struct err e = {0};
	struct sweep s;
	if (!CHECK(sweep_parse(&s, json, strlen(json), "spec.json", &e) != 0))
		sweep_free(&s);
	CHECK_CONTAINS(e.text, why);
}

/* "policy policy ...": of all cells. */
static const char *policies(const struct sweep *s)
{
	static char text[4000];
	int used = 0;
	*text = '\0';
	for (int i = 0; i < s->count; i++)
		used += snprintf(text + used, sizeof text - (size_t)used, "%s%s", i ? " " : "", s->cells[i].policy);
	return text;
}

#define BASE "\"task\": \"sst2\", \"data\": \"d\", \"model\": \"m\""

TEST(one_value_of_each_field_is_one_cell_with_the_defaults_of_eval)
{
	struct sweep s;
	REQUIRE(parsed(&s, "{" BASE "}"));
	REQUIRE(s.count == 1);
	const struct cell *c = &s.cells[0];
	CHECK_STR(c->task, "sst2");
	CHECK_STR(c->data, "d");
	CHECK_STR(c->model, "m");
	CHECK_STR(c->family, "m");
	CHECK_STR(c->policy, "none");
	CHECK(c->split == SPLIT_DEV && c->batch == 32 && c->turns == 1 && !c->threads && !c->limit && !c->max_length);
	CHECK(!c->seed && !c->with_scores && !c->shards && !c->kernels && !c->counts && !c->phi);
	sweep_free(&s);
}

TEST(cells_are_all_combinations_the_last_field_fastest)
{
	struct sweep s;
	REQUIRE(parsed(&s, "{\"batch\": [1, 32], \"policy\": [\"none\", \"adapler\"], \"split\": [\"dev\", \"test\"], " BASE
	                   "}"));
	REQUIRE(s.count == 8);
	CHECK_STR(policies(&s), "none none adapler adapler none none adapler adapler");
	for (int i = 0; i < 8; i++) {
		CHECK_INT(s.cells[i].batch, i % 2 ? 32 : 1);
		CHECK_INT(s.cells[i].split, i < 4 ? SPLIT_DEV : SPLIT_TEST);
	}
	sweep_free(&s);
}

TEST(ranges_are_numbers_and_their_end_is_included)
{
	struct sweep s;
	REQUIRE(parsed(&s, "{" BASE ", \"batch\": \"1:7:2\", \"threads\": [\"1,2\"]}"));
	REQUIRE(s.count == 8);
	for (int i = 0; i < 8; i++) {
		CHECK_INT(s.cells[i].batch, 1 + 2 * (i % 4));
		CHECK_INT(s.cells[i].threads, i < 4 ? 1 : 2);
	}
	sweep_free(&s);
}

TEST(ranges_and_lists_in_policies_make_a_policy_each)
{
	struct sweep s;
	REQUIRE(parsed(&s, "{" BASE ", \"policy\": [\"attention:keep=0.1:0.4:0.1\", \"adapler:scale=0.5|2\", \"none\"]}"));
	CHECK_STR(policies(&s), "attention:keep=0.1 attention:keep=0.2 attention:keep=0.3 attention:keep=0.4 "
	                        "adapler:scale=0.5 adapler:scale=2 none");
	sweep_free(&s);
	REQUIRE(parsed(&s, "{" BASE ", \"policy\": \"random:keep=0.8/0.4|0.2:0.3:0.1,first=0:1:1\"}"));
	CHECK_STR(policies(&s), "random:keep=0.8/0.4 random:keep=0.8/0.4,first=1 random:keep=0.2 random:keep=0.2,first=1 "
	                        "random:keep=0.3 random:keep=0.3,first=1");
	sweep_free(&s);
}

TEST(a_list_in_a_policy_may_be_long)
{
	struct sweep s;
	char json[4000];
	int used = snprintf(json, sizeof json, "{" BASE ", \"policy\": \"attention:keep=0.001");
	for (int i = 2; i <= 300; i++)
		used += snprintf(json + used, sizeof json - (size_t)used, "|%.3f", i / 1000.0);
	snprintf(json + used, sizeof json - (size_t)used, "\"}");
	REQUIRE(parsed(&s, json));
	REQUIRE(s.count == 300);
	CHECK_STR(s.cells[299].policy, "attention:keep=0.3");
	sweep_free(&s);
}

TEST(cells_that_are_the_same_are_there_once)
{
	struct sweep s;
	/* keep=0.5 is what attention does by itself. */
	REQUIRE(
		parsed(&s, "{" BASE ", \"policy\": [\"attention\", \"attention:keep=0.5\", \"attention:keep=0.5:0.6:0.1\"]}"));
	CHECK_STR(policies(&s), "attention:keep=0.5 attention:keep=0.6");
	sweep_free(&s);
}

TEST(templates_make_families_of_models)
{
	struct sweep s;
	REQUIRE(parsed(&s, "{\"task\": \"sst2\", \"data\": \"data/{task}\", \"model\": \"runs/{task}-{seed}/phi-{phi}\", "
	                   "\"seed\": [1, 2], \"phi\": [\"0.0005\", 0.02]}"));
	REQUIRE(s.count == 4);
	CHECK_STR(s.cells[0].data, "data/sst2");
	CHECK_STR(s.cells[0].model, "runs/sst2-1/phi-0.0005");
	CHECK_STR(s.cells[3].model, "runs/sst2-2/phi-0.02");
	for (int i = 0; i < 4; i++) {
		const int is_second = strstr(s.cells[i].model, "0.02") != NULL;
		CHECK_STR(s.cells[i].family, is_second ? "runs/sst2-{seed}/phi-0.02" : "runs/sst2-{seed}/phi-0.0005");
		CHECK_STR(s.cells[i].phi, is_second ? "0.02" : "0.0005");
		CHECK_INT((long long)s.cells[i].seed, strstr(s.cells[i].model, "sst2-1") ? 1 : 2);
	}
	sweep_free(&s);
}

TEST(seeds_multiply_only_what_they_change)
{
	struct sweep s;
	REQUIRE(parsed(&s, "{" BASE ", \"seed\": \"1:3:1\", \"phi\": [1, 2], \"policy\": [\"adapler\", \"random\"]}"));
	CHECK_STR(policies(&s), "adapler random:keep=0.5 random:keep=0.5 random:keep=0.5");
	CHECK(s.cells[1].seed == 1 && s.cells[2].seed == 2 && s.cells[3].seed == 3);
	CHECK(!s.cells[0].phi);
	sweep_free(&s);
}

TEST(counts_go_to_policies_that_replay_them)
{
	struct sweep s;
	REQUIRE(parsed(&s, "{" BASE ", \"policy\": [\"adapler\", \"random:replay\"], \"counts\": \"adapler\", "
	                   "\"counts_model\": \"fast\"}"));
	REQUIRE(s.count == 2);
	CHECK(!s.cells[0].counts && !s.cells[0].counts_model);
	CHECK_STR(s.cells[1].counts, "adapler");
	CHECK_STR(s.cells[1].counts_model, "fast");
	sweep_free(&s);
}

TEST(several_grids_share_what_stands_beside_them)
{
	struct sweep s;
	REQUIRE(parsed(&s, "{" BASE ", \"batch\": 4, \"grids\": [{\"policy\": \"none\"}, "
	                   "{\"policy\": \"adapler\", \"batch\": [1, 2], \"model\": \"other\"}]}"));
	REQUIRE(s.count == 3);
	CHECK_STR(policies(&s), "none adapler adapler");
	CHECK(s.cells[0].batch == 4 && s.cells[1].batch == 1 && s.cells[2].batch == 2);
	CHECK_STR(s.cells[0].model, "m");
	CHECK_STR(s.cells[2].model, "other");
	sweep_free(&s);
}

TEST(what_cannot_be_is_refused_by_grid_and_field)
{
	refused("{", "spec.json");
	refused("[]", "grid 1 in 'spec.json' must be an object");
	refused("{\"data\": \"d\", \"model\": \"m\"}", "field 'task' of grid 1 in 'spec.json' is missing");
	refused("{\"task\": \"sst2\", \"model\": \"m\"}", "field 'data' of grid 1 in 'spec.json' is missing");
	refused("{\"task\": \"sst2\", \"data\": \"d\"}", "field 'model' of grid 1 in 'spec.json' is missing");
	refused("{" BASE ", \"polcy\": \"none\"}",
	        "unknown field 'polcy' of grid 1 in 'spec.json'; did you mean 'policy'?");
	refused("{" BASE ", \"policy\": \"adaptler\"}", "unknown policy 'adaptler'; did you mean 'adapler'?");
	refused("{" BASE ", \"policy\": \"attention:keep=0.1:0.5\"}",
	        "field 'policy' of grid 1 in 'spec.json' must have ranges FROM:TO:STEP");
	refused("{" BASE ", \"policy\": 3}", "field 'policy' of grid 1 in 'spec.json' must be a text");
	refused("{" BASE ", \"batch\": []}", "field 'batch' of grid 1 in 'spec.json' is an empty list");
	refused("{" BASE ", \"batch\": \"many\"}", "field 'batch' of grid 1 in 'spec.json' must be numbers");
	refused("{" BASE ", \"batch\": 0}", "field 'batch' of grid 1 in 'spec.json' must be whole numbers from 1 on");
	refused("{" BASE ", \"runs\": -1}", "field 'runs' of grid 1 in 'spec.json' must be whole numbers from 0 on");
	refused("{" BASE ", \"limit\": 1.5}", "field 'limit' of grid 1 in 'spec.json' must be whole numbers");
	refused("{" BASE ", \"batch\": {}}", "field 'batch' of grid 1 in 'spec.json' must be a number");
	refused("{" BASE ", \"split\": \"tset\"}", "unknown split 'tset'");
	refused("{" BASE ", \"grids\": []}", "field 'grids' in 'spec.json' must be a list of objects");
	refused("{" BASE ", \"grids\": [{}, 3]}", "grid 2 in 'spec.json' must be an object");
	refused("{" BASE ", \"grids\": [{}, {\"batch\": \"x\"}]}", "field 'batch' of grid 2 in 'spec.json'");
	refused("{\"task\": \"sst2\", \"data\": \"d\", \"model\": \"m-{phi}\"}",
	        "field 'model' of grid 1 in 'spec.json' names a variable that is not given");
	refused("{" BASE ", \"policy\": \"attention:keep=0.1:2:0.1\"}", "keep");
	refused("{" BASE ", \"batch\": \"1:100000:1\"}", "field 'batch' of grid 1 in 'spec.json' must be numbers");
	refused("{" BASE ", \"batch\": \"1:150:1\", \"limit\": \"1:100:1\"}", "more than 10000 cells in 'spec.json'");
	refused("{" BASE ", \"seed\": \"1:200:1\", \"phi\": \"1:200:1\", \"gamma\": \"1:200:1\"}",
	        "grid 1 in 'spec.json' has 8e+06 combinations, more than 1000000");
}

TEST(a_file_that_is_not_there_is_named)
{
	struct err e = {0};
	struct sweep s;
	CHECK(sweep_read(&s, test_path("nowhere.json"), &e) != 0);
	CHECK_CONTAINS(e.text, "nowhere.json");
}
