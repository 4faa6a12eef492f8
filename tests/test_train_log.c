#include "../eval/train_log.h"

#include "../engine/base/buf.h"
#include "../engine/base/log.h"
#include "data_files.h"

#include <math.h>
#include <unistd.h>

static void log_begin(struct train_log *l, const char *db, int64_t step, int64_t steps)
{
	struct err e = {0};
	log_set_quiet(1);
	*l = (struct train_log){.run = {.kind = "adapt"}, .tokens = 1000};
	snprintf(l->db_path, sizeof l->db_path, "%s", db);
	const struct training_events events = train_log_events(l);
	CHECK(events.arg == l);
	CHECK_OK(events.begin(l, "the key", step, steps, &e), &e);
}

/* Steps first+1 to last, each with itself as its loss. */
static void log_steps(struct train_log *l, int64_t first, int64_t last, int64_t steps, double lambda)
{
	struct err e = {0};
	const double kl[] = {0.5, 0.25}, length[] = {9, 4};
	for (int64_t i = first; i < last; i++) {
		const struct losses losses = {.model = 2, .speed = 3, .task = (double)(i + 1), .correct = 0.5, .tokens = 10};
		struct losses x = losses;
		x.L = 2;
		x.kl = kl;
		x.length = length;
		const struct training_step s = {.epochs = 1,
		                                .step = i,
		                                .steps = steps,
		                                .losses = &x,
		                                .rate = 0.125,
		                                .lambda = lambda,
		                                .seconds = 2,
		                                .norms = {7, 1}};
		CHECK_OK(train_log_events(l).step(l, &s, &e), &e);
	}
}

static int add_point(int64_t step, const char *name, double value, void *arg, struct err *e)
{
	(void)e;
	buf_addf(arg, "%lld %s %g;", (long long)step, name, value);
	return 0;
}

/* What another process sees. */
static void stored(const char *db, const char *name, const char *expected)
{
	struct err e = {0};
	struct buf b = {0};
	struct store *s;
	REQUIRE_OK(store_open(&s, db, &(struct store_options){.is_read_only = 1}, &e), &e);
	buf_add_text(&b, "");
	CHECK_OK(store_curve_each(s, 1, name, add_point, &b, &e), &e);
	CHECK_STR(b.data, expected);
	buf_free(&b);
	store_close(s);
}

TEST(rows_are_gathered_until_a_checkpoint)
{
	struct err e = {0};
	struct train_log l;
	char db[4096];
	snprintf(db, sizeof db, "%s", test_path("gathered.db"));
	log_begin(&l, db, 0, 100);
	l.flushed_ns = INT64_MAX / 2; /* no time passes */
	log_steps(&l, 0, 2, 100, 0);
	stored(db, NULL, "");
	CHECK_OK(train_log_events(&l).checkpoint(&l, &e), &e);
	CHECK_INT(l.count, 0);
	stored(db, NULL,
	       "1 train/correct 0.5;1 train/gradient_norm 7;1 train/learning_rate 0.125;1 train/loss 1;"
	       "1 train/tokens_per_second 5;"
	       "2 train/correct 0.5;2 train/gradient_norm 7;2 train/learning_rate 0.125;2 train/loss 2;"
	       "2 train/tokens_per_second 5;");
	train_log_close(&l);
}

TEST(rows_are_written_every_few_seconds_without_a_checkpoint)
{
	struct train_log l;
	char db[4096];
	snprintf(db, sizeof db, "%s", test_path("seconds.db"));
	log_begin(&l, db, 0, 100);
	l.flushed_ns = INT64_MAX / 2;
	log_steps(&l, 0, 1, 100, 0);
	l.flushed_ns = -(int64_t)1e15;
	log_steps(&l, 1, 2, 100, 0);
	stored(db, "train/loss", "1 train/loss 1;2 train/loss 2;");
	train_log_close(&l);
}

TEST(rows_past_the_checkpoint_are_forgotten_when_a_run_goes_on)
{
	struct err e = {0};
	struct train_log l;
	char db[4096];
	snprintf(db, sizeof db, "%s", test_path("forgotten.db"));
	log_begin(&l, db, 0, 100);
	log_steps(&l, 0, 5, 100, 0);
	CHECK_OK(train_log_note(&l, 5, "dev/accuracy", 0.75, &e), &e);
	CHECK_OK(train_log_events(&l).checkpoint(&l, &e), &e);
	train_log_close(&l);
	log_begin(&l, db, 3, 100);
	stored(db, "train/loss", "1 train/loss 1;2 train/loss 2;3 train/loss 3;");
	stored(db, "dev/accuracy", "");
	log_steps(&l, 3, 4, 100, 0);
	CHECK_OK(train_log_events(&l).checkpoint(&l, &e), &e);
	stored(db, "train/loss", "1 train/loss 1;2 train/loss 2;3 train/loss 3;4 train/loss 4;");
	train_log_close(&l);
}

TEST(soft_removal_has_curves_of_its_own)
{
	struct err e = {0};
	struct train_log l;
	char db[4096];
	snprintf(db, sizeof db, "%s", test_path("soft.db"));
	log_begin(&l, db, 0, 10);
	log_steps(&l, 0, 1, 10, 50);
	CHECK_OK(train_log_events(&l).checkpoint(&l, &e), &e);
	stored(db, NULL,
	       "1 layer-0/kl 0.5;1 layer-0/length 9;1 layer-1/kl 0.25;1 layer-1/length 4;1 train/correct 0.5;"
	       "1 train/gradient_norm 7;1 train/lambda 50;1 train/learning_rate 0.125;1 train/loss 1;1 train/model_loss 2;"
	       "1 train/speed_gradient_norm 1;1 train/speed_loss 3;1 train/tokens_per_second 5;");
	train_log_close(&l);
}

/* 5000 steps are 1667 rows: every third step, and the last. */
TEST(long_runs_are_thinned_to_two_thousand_points)
{
	struct err e = {0};
	struct train_log l;
	char db[4096];
	snprintf(db, sizeof db, "%s", test_path("thinned.db"));
	log_begin(&l, db, 0, 5000);
	log_steps(&l, 0, 7, 5000, 0);
	log_steps(&l, 4999, 5000, 5000, 0);
	CHECK_OK(train_log_events(&l).checkpoint(&l, &e), &e);
	stored(db, "train/loss", "3 train/loss 3;6 train/loss 6;5000 train/loss 5000;");
	train_log_close(&l);
}

static void refused(struct train_args a, const char *why)
{
	struct err e = {0};
	CHECK_INT(train_check_args(&a, "finetune", &e), ERR_USAGE);
	CHECK_CONTAINS(e.text, why);
}

TEST(arguments_that_make_no_sense_are_refused)
{
	struct err e = {0};
	put("model/config.json", "{}");
	put("model/epoch-2/config.json", "{}");
	const char *model = test_path("model"), *out = test_path("out");
	const struct train_args good = {.model = model, .out = out, .rate = 1, .dropout = NAN, .checkpoint_minutes = 5};
	struct train_args a = good;
	CHECK_OK(train_check_args(&a, "finetune", &e), &e);
	a.dropout = 0;
	CHECK_OK(train_check_args(&a, "finetune", &e), &e);
	a.dropout = -1;
	refused(a, "--dropout must be at least 0 and below 1, found -1");
	a.dropout = 1;
	refused(a, "--dropout must be at least 0 and below 1, found 1");
	a = good;
	a.rate = 0;
	refused(a, "--lr must be above 0, found 0");
	a = good;
	a.checkpoint_minutes = 0;
	refused(a, "--checkpoint-minutes must be above 0, found 0");
	a = good;
	a.out = NULL;
	refused(a, "finetune needs --model DIR and --out DIR");
	a.out = model;
	refused(a, "must not be --out");
	a.model = test_path("model/../model/");
	refused(a, "must not be --out");
	a.model = test_path("model/epoch-2");
	refused(a, "or an epoch in it");
}
