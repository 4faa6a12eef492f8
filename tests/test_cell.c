#include "../eval/cell.h"

#include "../engine/base/log.h"
#include "../eval/derive.h"
#include "../eval/store_facts.h"
#include "data_files.h"
#include "small_training.h"

#include <math.h>

static const char words[] = "file:dev.tsv:label=label,labels=no|yes|perhaps";

/* A model whose predictors drop much at eta=1, and a split of nine texts. */
static struct cell plain_cell(void)
{
	static char model[4096];
	log_set_quiet(1);
	snprintf(model, sizeof model, "%s", tiny_model("model", &(struct tiny_shape){.K = 4, .seed = 3}));
	put("dev.tsv", "text\tlabel\na b c a b c\tyes\nc\tno\na a a a a b\tyes\nb\tperhaps\nc b a c b a\tno\nb b\tno\n"
	               "a b c c b a\tyes\nc a b\tno\nb a b a b a\tperhaps\n");
	return (struct cell){.model = model,
	                     .task = words,
	                     .data = test_folder(),
	                     .policy = "adapler:eta=1",
	                     .split = SPLIT_DEV,
	                     .batch = 4,
	                     .threads = 1,
	                     .turns = 2,
	                     .kernels = "portable"};
}

static void key_of(const struct cell *c, char key[65])
{
	struct err e = {0};
	struct workbench w = {0};
	*key = '\0';
	CHECK_OK(cell_key(&w, c, key, &e), &e);
	workbench_close(&w);
}

static int same_key(const struct cell *a, const struct cell *b)
{
	char x[65], y[65];
	key_of(a, x);
	key_of(b, y);
	return !strcmp(x, y);
}

TEST(the_key_changes_with_all_that_determines_the_facts)
{
	const struct cell plain = plain_cell();
	struct cell c;
#define OTHER(change) \
	c = plain;        \
	c.change;         \
	CHECK(!same_key(&plain, &c))
	OTHER(policy = "adapler:eta=0.99");
	OTHER(batch = 3);
	OTHER(threads = 2);
	OTHER(turns = 1);
	OTHER(with_scores = 1);
	OTHER(limit = 5);
	OTHER(max_length = 4);
	OTHER(seed = 1);
	OTHER(split = SPLIT_TEST; c.task = "file::dev=dev.tsv,test=dev.tsv,label=label,labels=no|yes|perhaps");
	OTHER(kernels = "openblas");
	OTHER(shards = 2);
	OTHER(model = tiny_model("other", &(struct tiny_shape){.K = 4, .seed = 4}));
	c = plain;
	put("else/dev.tsv", "text\tlabel\na\tyes\n");
	c.data = test_path("else");
	CHECK(!same_key(&plain, &c));
}

TEST(notes_and_other_spellings_leave_the_key_as_it_is)
{
	const struct cell plain = plain_cell();
	struct cell c = plain;
	c.family = "f";
	c.phi = "1";
	c.gamma = "2";
	c.jobs = 3;
	c.policy = "adapler:eta=1.0,scale=1";
	c.precision = "f32";
	c.max_length = TINY_P;
	CHECK(same_key(&plain, &c));
}

TEST(a_random_policy_takes_the_cells_seed_unless_it_has_its_own)
{
	struct cell a = plain_cell(), b = a;
	char key[65];
	struct err e = {0};
	struct workbench w = {0};
	struct facts f;
	a.policy = "random";
	a.seed = 7;
	REQUIRE_OK(cell_key(&w, &a, key, &e), &e);
	REQUIRE_OK(cell_run(&w, &a, &f, NULL, NULL, &e), &e);
	CHECK_STR(f.policy.text, "random:keep=0.5,seed=7");
	facts_close(&f);
	b.policy = "random:keep=0.5,seed=9";
	b.seed = 7;
	REQUIRE_OK(cell_key(&w, &b, key, &e), &e);
	REQUIRE_OK(cell_run(&w, &b, &f, NULL, NULL, &e), &e);
	CHECK_STR(f.policy.text, "random:keep=0.5,seed=9");
	facts_close(&f);
	workbench_close(&w);
}

static int look_up(const char *name, double value, double lo, double hi, void *arg, struct err *e)
{
	double *found = arg;
	(void)e;
	(void)lo;
	(void)hi;
	if (!strcmp(name, "accuracy"))
		found[0] = value;
	if (!strcmp(name, "flops_speedup"))
		found[1] = value;
	found[2]++;
	return 0;
}

TEST(a_cell_is_one_finished_run_with_its_facts_and_metrics)
{
	struct err e = {0};
	struct workbench w = {0};
	struct store *s;
	struct facts f, back;
	struct cell c = plain_cell();
	char key[65];
	int64_t id, again = 0;
	int is_there = 0;
	double metric[3] = {NAN, NAN, 0};
	c.with_scores = 1;
	REQUIRE_OK(cell_key(&w, &c, key, &e), &e);
	REQUIRE_OK(cell_run(&w, &c, &f, NULL, NULL, &e), &e);
	REQUIRE_OK(store_open(&s, test_path("cells.db"), NULL, &e), &e);
	CHECK_OK(store_run_finished(s, key, &id, &is_there, &e), &e);
	CHECK(!is_there);
	REQUIRE_OK(cell_write(s, &w, &c, key, &f, &id, &e), &e);
	CHECK_OK(store_run_finished(s, key, &again, &is_there, &e), &e);
	CHECK(is_there && again == id);
	REQUIRE_OK(store_facts_get(s, id, STORE_TRACES | STORE_TIMES, &back, &e), &e);
	CHECK(back.n == 9 && back.batches == 3 && back.turns[ARM_POLICY] == 2 && back.turns[ARM_DENSE] == 2);
	CHECK(!memcmp(back.logits, f.logits, (size_t)f.n * 3 * sizeof *f.logits));
	CHECK(!memcmp(back.died_at, f.died_at, (size_t)f.start[f.n]));
	CHECK(!memcmp(back.ns[ARM_DENSE], f.ns[ARM_DENSE], 6 * sizeof *f.ns[0]));
	CHECK_OK(store_metric_each(s, id, look_up, metric, &e), &e);
	int right = 0;
	for (int i = 0; i < f.n; i++)
		right += f.pred[i] == f.gold[i];
	CHECK_NEAR(metric[0], right / 9.0, 1e-15);
	CHECK_NEAR(metric[1], derive_flops_speedup(&f), 1e-15);
	CHECK(metric[1] > 1);
	/* Written again it stays. */
	REQUIRE_OK(cell_write(s, &w, &c, key, &f, &again, &e), &e);
	CHECK(again == id);
	facts_close(&back);
	facts_close(&f);
	store_close(s);
	workbench_close(&w);
}

TEST(a_replay_keeps_the_rows_of_the_policy_whose_counts_it_takes)
{
	struct err e = {0};
	struct workbench w = {0};
	struct facts f, random;
	struct cell c = plain_cell();
	char key[65], other[65];
	REQUIRE_OK(cell_key(&w, &c, key, &e), &e);
	REQUIRE_OK(cell_run(&w, &c, &f, NULL, NULL, &e), &e);
	c.policy = "random:replay";
	c.counts = "adapler:eta=1";
	REQUIRE_OK(cell_key(&w, &c, key, &e), &e);
	REQUIRE_OK(cell_run(&w, &c, &random, NULL, NULL, &e), &e);
	CHECK(!memcmp(f.rows, random.rows, (size_t)f.n * (size_t)f.shape.L * sizeof *f.rows));
	CHECK(memcmp(f.died_at, random.died_at, (size_t)f.start[f.n]) != 0);
	facts_close(&random);
	/* Of another model they are others, and so is the key. */
	c.counts_model = tiny_model("second", &(struct tiny_shape){.K = 4, .seed = 5});
	REQUIRE_OK(cell_key(&w, &c, other, &e), &e);
	CHECK(strcmp(key, other) != 0);
	REQUIRE_OK(cell_run(&w, &c, &random, NULL, NULL, &e), &e);
	CHECK(memcmp(f.rows, random.rows, (size_t)f.n * (size_t)f.shape.L * sizeof *f.rows) != 0);
	facts_close(&random);
	facts_close(&f);
	workbench_close(&w);
}

TEST(a_model_that_counts_came_from_is_no_matter_of_the_next_cell)
{
	struct err e = {0};
	struct workbench w = {0};
	struct facts f;
	struct cell c = plain_cell(), replay = c;
	char key[65];
	replay.policy = "random:replay";
	replay.counts = "adapler:eta=1";
	replay.counts_model = tiny_model("counts", &(struct tiny_shape){.K = 4, .seed = 5});
	c.model = tiny_model("deeper", &(struct tiny_shape){.L = 3, .K = 4, .seed = 3});
	REQUIRE_OK(cell_key(&w, &replay, key, &e), &e);
	REQUIRE_OK(cell_run(&w, &replay, &f, NULL, NULL, &e), &e);
	facts_close(&f);
	REQUIRE_OK(cell_key(&w, &c, key, &e), &e);
	REQUIRE_OK(cell_run(&w, &c, &f, NULL, NULL, &e), &e);
	facts_close(&f);
	workbench_close(&w);
}

static void refused(struct cell c, int code, const char *why)
{
	struct err e = {0};
	struct workbench w = {0};
	char key[65];
	CHECK_INT(cell_key(&w, &c, key, &e), code);
	CHECK_CONTAINS(e.text, why);
	workbench_close(&w);
}

TEST(settings_that_cannot_be_are_refused_before_anything_runs)
{
	const struct cell plain = plain_cell();
	struct cell c;
#define REFUSED(code, why, change) \
	c = plain;                     \
	c.change;                      \
	refused(c, code, why)
	REFUSED(ERR_UNSUPPORTED, "precision 'int8' is not offered yet", precision = "int8");
	REFUSED(ERR_USAGE, "precision 'f64' is not offered", precision = "f64");
	REFUSED(ERR_USAGE, "no kernels 'sse'", kernels = "sse");
	REFUSED(ERR_USAGE, "batch must be 1 or more", batch = 0);
	REFUSED(ERR_USAGE, "unknown policy", policy = "adaptler");
	REFUSED(ERR_USAGE, "wants the counts of another", policy = "random:replay");
	REFUSED(ERR_USAGE, "does not replay counts", counts = "adapler");
	REFUSED(ERR_USAGE, "policy 'none' has no counts", policy = "random:replay"; c.counts = "none");
	REFUSED(ERR_IO, "nowhere", model = "nowhere");
	REFUSED(ERR_USAGE, "has 16 positions", max_length = 17);
	REFUSED(ERR_FORMAT, "no.tsv", task = "file:no.tsv:label=label,labels=no|yes|perhaps");
	REFUSED(ERR_MISMATCH, "has 2 labels, the model predicts 3", task = "file:two.tsv:label=label,labels=no|yes";
	        put("two.tsv", "text\tlabel\na\tno\nb\tyes\n"));
}

TEST(shards_are_from_one_to_how_many_there_are)
{
	static const char *const bad[] = {"", "1", "0/2", "3/2", "1/2/3", "-1/2", "a/b", "1/2x"};
	struct cell c = {0};
	struct err e = {0};
	REQUIRE_OK(cell_parse_shard(&c, "2/3", &e), &e);
	CHECK(c.shard == 1 && c.shards == 3);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK_INT(cell_parse_shard(&c, bad[i], NULL), ERR_USAGE);
}

TEST(half_a_load_does_not_spoil_the_next_cell)
{
	struct err e = {0}, ignored = {0};
	struct workbench w = {0};
	struct cell good = plain_cell(), bad = good;
	char key[65], alone[65];
	key_of(&good, alone);
	bad.model = "nowhere";
	CHECK(cell_key(&w, &bad, key, &ignored) != 0);
	REQUIRE_OK(cell_key(&w, &good, key, &e), &e);
	CHECK_STR(key, alone);
	bad = good;
	bad.task = "file:no.tsv:label=label,labels=no|yes|perhaps";
	CHECK(cell_key(&w, &bad, key, &ignored) != 0);
	REQUIRE_OK(cell_key(&w, &good, key, &e), &e);
	CHECK_STR(key, alone);
	workbench_close(&w);
}
