/* Whole runs: killed, stopped and gone on with, refused, and what they leave in their folder. */
#include "../engine/base/clock.h"
#include "../engine/base/sha256.h"
#include "../engine/run_folder.h"
#include "small_training.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

enum { FINETUNE, LANGUAGE, ADAPLER, KINDS };
enum { EPOCHS = 3, EXAMPLES = 30 };

/* One attempt at a run, from opening the trainer to closing it. */
struct attempt {
	int kind, threads;
	char out[4096], model[4096];
	struct tiny_data *data;
	struct training_plan plan;
	struct trainer_options options;
	struct training_events events;
	/* What the events do. */
	int stop_after; /* steps; 0: never */
	int seen, fail_step, fail_epoch, fail_checkpoint, begun_at;
	const struct training_score *scores; /* of the epochs; NULL: minus the loss */
	struct training_result result;
	struct err e;
};

static int on_begin(void *arg, const char *key, int64_t step, int64_t steps, struct err *e)
{
	struct attempt *a = arg;
	(void)e;
	CHECK(strlen(key) == 64 && step <= steps);
	a->begun_at = (int)step;
	return 0;
}

static int on_step(void *arg, const struct training_step *s, struct err *e)
{
	struct attempt *a = arg;
	CHECK_INT(s->step, a->begun_at + a->seen);
	a->seen++;
	return a->seen == a->fail_step ? err_set(e, ERR_IO, "the log is full") : 0;
}

static int on_epoch(void *arg, struct trainer *t, int epoch, int64_t step, struct training_score *out, struct err *e)
{
	struct attempt *a = arg;
	struct losses l;
	(void)step;
	if (a->fail_epoch == epoch + 1)
		return err_set(e, ERR_INTERRUPTED, "no patience");
	if (a->scores) {
		*out = a->scores[epoch];
		return 0;
	}
	int code = trainer_evaluate(t, a->data->list, a->data->count, &l, e);
	*out = (struct training_score){-l.task, NAN};
	return code;
}

static int on_checkpoint(void *arg, struct err *e)
{
	const struct attempt *a = arg;
	return a->fail_checkpoint ? err_set(e, ERR_IO, "the log is shut") : 0;
}

static int should_stop(void *arg)
{
	const struct attempt *a = arg;
	return a->stop_after && a->seen >= a->stop_after;
}

static void prepare(struct attempt *a, int kind, const char *out)
{
	static struct tiny_data data;
	static const struct tiny_shape shape = {.family = FAMILY_BERT, .K = 6};
	memset(a, 0, sizeof *a);
	tiny_data_fill(&data, EXAMPLES, 1);
	a->kind = kind;
	a->data = &data;
	snprintf(a->model, sizeof a->model, "%s", tiny_model("tiny", &shape));
	snprintf(a->out, sizeof a->out, "%s", test_path(out));
	a->plan = (struct training_plan){.out = a->out,
	                                 .tokenizer = a->model,
	                                 .identity = "made up",
	                                 .epochs = EPOCHS,
	                                 .batch = 8,
	                                 .bucket = 2,
	                                 .rate = 1e-3,
	                                 .speed_rate = 1e-2,
	                                 .lambda = 10,
	                                 .lambda_factor = 10,
	                                 .floor = NAN,
	                                 .checkpoint_seconds = 1e-9,
	                                 .mask_id = TINY_MASK,
	                                 .seed = 1};
	if (kind == LANGUAGE) {
		a->plan.batch = a->plan.bucket = 0;
		a->plan.batch_tokens = 70;
	}
	a->options = (struct trainer_options){.objective = kind == LANGUAGE ? OBJECTIVE_MLM : OBJECTIVE_CLASSIFY,
	                                      .adapler = kind == ADAPLER,
	                                      .gamma = 0.1,
	                                      .phi = 0.1,
	                                      .seed = 1,
	                                      .threads = 1,
	                                      .max_rows = 40};
	a->events = (struct training_events){.arg = a,
	                                     .begin = on_begin,
	                                     .step = on_step,
	                                     .epoch = on_epoch,
	                                     .checkpoint = on_checkpoint,
	                                     .should_stop = should_stop};
}

static int run(struct attempt *a)
{
	struct trainer *t;
	a->e = (struct err){0};
	a->seen = 0;
	int code = trainer_open(&t, a->model, &a->options, &a->e);
	if (!code)
		code = training_run(t, a->data->examples, a->data->count, &a->plan, &a->events, &a->result, &a->e);
	trainer_close(t);
	return code;
}

/* ---- what a folder holds -------------------------------------------------------------------------------------- */

static int add_file(struct sha256 *hash, const char *path, const char *name)
{
	char *bytes;
	size_t size;
	struct err e = {0};
	if (!CHECK_OK(file_read(&bytes, &size, path, 1 << 24, &e), &e))
		return 0;
	sha256_add(hash, name, strlen(name));
	sha256_add(hash, bytes, size);
	free(bytes);
	return 1;
}

/* Every file but the lock, with its name, one folder deep. Returns the files. */
static int add_folder(struct sha256 *hash, const char *path)
{
	struct dirent **entries = NULL;
	int files = 0, count = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		char name[5000];
		const char *own = entries[i]->d_name;
		snprintf(name, sizeof name, "%s/%s", path, own);
		if (own[0] != '.' && file_is_directory(name)) {
			sha256_add(hash, own, strlen(own));
			files += add_folder(hash, name);
		} else if (own[0] != '.' && strcmp(own, "lock") != 0) {
			files += add_file(hash, name, own);
		}
		free(entries[i]);
	}
	free(entries);
	return files;
}

static int digest(char out[65], const struct attempt *a)
{
	struct sha256 hash;
	sha256_init(&hash);
	const int files = add_folder(&hash, a->out);
	sha256_end(&hash, out);
	return files;
}

/* model, config, vocabulary and state, and the first three of each of the epochs. */
enum { FILES = 4 + 3 * EPOCHS };

/* The folder of an undisturbed run of this kind, made once. */
static const char *undisturbed(int kind)
{
	static char hashes[KINDS][65];
	if (!hashes[kind][0]) {
		struct attempt a;
		char name[32];
		snprintf(name, sizeof name, "undisturbed-%d", kind);
		prepare(&a, kind, name);
		CHECK_OK(run(&a), &a.e);
		CHECK_INT(digest(hashes[kind], &a), FILES);
	}
	return hashes[kind];
}

static void check_undisturbed(const struct attempt *a)
{
	char found[65];
	CHECK_INT(digest(found, a), FILES);
	CHECK_STR(found, undisturbed(a->kind));
}

static int has(const struct attempt *a, const char *name)
{
	char path[5000];
	snprintf(path, sizeof path, "%s/%s", a->out, name);
	return file_exists(path);
}

/* ---- the same weights ----------------------------------------------------------------------------------------- */

TEST(threads_do_not_change_a_bit_of_a_run)
{
	for (int kind = 0; kind < KINDS; kind++)
		for (int threads = 2; threads <= 3; threads++) {
			struct attempt a;
			char name[32];
			snprintf(name, sizeof name, "threads-%d-%d", kind, threads);
			prepare(&a, kind, name);
			a.options.threads = threads;
			CHECK_OK(run(&a), &a.e);
			check_undisturbed(&a);
		}
}

TEST(a_run_stopped_after_every_step_ends_as_the_undisturbed)
{
	for (int kind = 0; kind < KINDS; kind++) {
		struct attempt a;
		char name[32];
		int stops = 0, code;
		snprintf(name, sizeof name, "stopped-%d", kind);
		prepare(&a, kind, name);
		a.stop_after = 1;
		while ((code = run(&a)) == ERR_INTERRUPTED && stops < 100) {
			stops++;
			CHECK_CONTAINS(a.e.text, "the same command goes on from there");
			CHECK_INT(a.begun_at, stops - 1);
		}
		CHECK_OK(code, &a.e);
		CHECK_INT(stops, a.result.steps);
		check_undisturbed(&a);
	}
}

TEST(a_run_that_has_ended_says_so_and_changes_nothing)
{
	struct attempt a;
	prepare(&a, FINETUNE, "ended");
	REQUIRE_OK(run(&a), &a.e);
	CHECK(!a.result.was_done);
	const struct training_result first = a.result;
	REQUIRE_OK(run(&a), &a.e);
	CHECK(a.result.was_done && a.seen == 0);
	CHECK(a.result.best == first.best && a.result.steps == first.steps && a.result.score.score == first.score.score);
	check_undisturbed(&a);
}

/* ---- killed --------------------------------------------------------------------------------------------------- */

/* Runs in a process of its own that dies after `microseconds`; its exit status, or -1 when it was killed. An alarm that
 * nobody handles ends a process as SIGKILL does, and does not come late when the machine is busy, as a parent would. */
static int run_and_kill(struct attempt *a, int64_t microseconds)
{
	int status;
	fflush(stdout);
	const pid_t child = fork();
	if (child == 0) {
		const struct itimerval alarm = {.it_value = {microseconds / 1000000, microseconds % 1000000}};
		setitimer(ITIMER_REAL, &alarm, NULL);
		_exit(run(a) ? 1 : 0);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* How long a whole run takes here and now. */
static int64_t duration(int kind, const char *name)
{
	struct attempt a;
	prepare(&a, kind, name);
	const int64_t begin = clock_ns();
	CHECK_INT(run_and_kill(&a, 60000000), 0);
	return (clock_ns() - begin) / 1000;
}

/* Each attempt gets from a twentieth to two thirds of that. */
static void check_killed(int kind, uint64_t seed)
{
	struct attempt a;
	char name[32];
	int tries = 0, kills = 0, status = -1;
	snprintf(name, sizeof name, "timed-%d-%d", kind, (int)seed);
	const int64_t whole = duration(kind, name);
	snprintf(name, sizeof name, "killed-%d-%d", kind, (int)seed);
	prepare(&a, kind, name);
	undisturbed(kind);
	for (; status < 0 && tries < 25; kills += status < 0) {
		const double share = 0.05 + 0.6 * rng_uniform(seed, (uint64_t)kind, (uint64_t)tries++);
		status = run_and_kill(&a, (int64_t)(share * (double)whole) + 1);
	}
	if (status < 0)
		CHECK_OK(run(&a), &a.e);
	CHECK_INT(status > 0, 0);
	CHECK(kills > 0);
	check_undisturbed(&a);
}

TEST(a_run_killed_again_and_again_ends_as_the_undisturbed)
{
	for (int kind = 0; kind < KINDS; kind++)
		for (uint64_t seed = 0; seed < 2; seed++)
			check_killed(kind, seed);
}

/* ---- who may go on -------------------------------------------------------------------------------------------- */

/* Another process that has the folder, and says so through the pipe. */
static pid_t occupy(const char *out)
{
	int pipes[2];
	char byte = 0;
	if (!CHECK(!pipe(pipes)))
		return -1;
	const pid_t child = fork();
	if (child == 0) {
		struct run_folder f;
		byte = (char)run_folder_open(&f, out, 0, NULL);
		if (write(pipes[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	CHECK(read(pipes[0], &byte, 1) == 1 && byte == 0);
	close(pipes[0]);
	close(pipes[1]);
	return child;
}

TEST(two_processes_in_one_folder_are_refused_until_the_first_is_gone)
{
	struct attempt a;
	char sentence[64];
	prepare(&a, FINETUNE, "shared");
	const pid_t child = occupy(a.out);
	snprintf(sentence, sizeof sentence, "another process (process %ld) is training in '", (long)child);
	CHECK_INT(run(&a), ERR_USAGE);
	CHECK_CONTAINS(a.e.text, sentence);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	CHECK_OK(run(&a), &a.e);
	check_undisturbed(&a);
}

/* The run that is in the folder must not be taken for this one. */
static void check_key(struct attempt *other)
{
	CHECK_INT(run(other), ERR_USAGE);
	CHECK_CONTAINS(other->e.text, "holds a run with other settings, data or weights");
}

TEST(another_plan_seed_or_data_on_the_same_folder_is_refused)
{
	struct attempt a;
	static struct tiny_data other;
	prepare(&a, ADAPLER, "key");
	a.stop_after = 2;
	CHECK_INT(run(&a), ERR_INTERRUPTED);
#define REFUSED(field, value)       \
	do {                            \
		struct attempt b = a;       \
		b.events.arg = &b;          \
		b.plan.out = b.out;         \
		b.plan.tokenizer = b.model; \
		b.field = (value);          \
		check_key(&b);              \
	} while (0)
	REFUSED(plan.seed, 2);
	REFUSED(plan.epochs, 4);
	REFUSED(plan.batch, 9);
	REFUSED(plan.rate, 2e-3);
	REFUSED(plan.lambda, 11);
	REFUSED(plan.identity, "made up too");
	REFUSED(options.seed, 2);
	REFUSED(options.phi, 0.2);
	REFUSED(plan.dtype, "bf16");
	REFUSED(options.hidden_dropout, 0.3);
	other = *a.data;
	for (int i = 0; i < other.count; i++) {
		other.examples[i].ids = other.ids[i];
		other.examples[i].saliency = other.saliency[i];
		other.list[i] = &other.examples[i];
	}
	other.saliency[3][1] += 1;
	REFUSED(data, &other);
	other.saliency[3][1] -= 1;
	other.examples[3].label = (other.examples[3].label + 1) % TINY_C;
	REFUSED(data, &other);
#undef REFUSED
	/* The same weights under another configuration. */
	const struct tiny_shape relu = {.family = FAMILY_BERT, .K = 6, .act = ACT_RELU};
	struct attempt b = a;
	b.events.arg = &b;
	b.plan.out = b.out;
	b.plan.tokenizer = b.model;
	snprintf(b.model, sizeof b.model, "%s", tiny_model("tiny-relu", &relu));
	check_key(&b);
	a.stop_after = 0;
	CHECK_OK(run(&a), &a.e);
	check_undisturbed(&a);
}

/* ---- a broken state ------------------------------------------------------------------------------------------- */

struct state {
	char path[5000], *bytes;
	size_t size;
};

static int state_read(struct state *s, const struct attempt *a)
{
	struct err e = {0};
	snprintf(s->path, sizeof s->path, "%s/state.safetensors", a->out);
	return CHECK_OK(file_read(&s->bytes, &s->size, s->path, 1 << 24, &e), &e);
}

static void state_write(const struct state *s, const char *bytes, size_t size)
{
	struct err e = {0};
	CHECK_OK(file_write_atomic(s->path, bytes, size, &e), &e);
}

TEST(a_truncated_state_is_an_error)
{
	struct attempt a;
	struct state s;
	prepare(&a, FINETUNE, "truncated");
	a.stop_after = 3;
	CHECK_INT(run(&a), ERR_INTERRUPTED);
	REQUIRE(state_read(&s, &a));
	for (int i = 0; i < 12; i++) {
		state_write(&s, s.bytes, s.size * (size_t)i / 12);
		const int code = run(&a);
		CHECK(code != 0 && code != ERR_INTERRUPTED);
		CHECK_CONTAINS(a.e.text, "state.safetensors");
	}
	state_write(&s, s.bytes, s.size);
	a.stop_after = 0;
	CHECK_OK(run(&a), &a.e);
	check_undisturbed(&a);
	free(s.bytes);
}

/* None may crash; every one in a tensor is seen. (The header has padding.) */
TEST(a_flipped_bit_is_an_error)
{
	struct attempt a;
	struct state s;
	prepare(&a, FINETUNE, "flipped");
	a.stop_after = 5;
	CHECK_INT(run(&a), ERR_INTERRUPTED);
	REQUIRE(state_read(&s, &a));
	a.stop_after = 1;
	for (uint64_t i = 0; i < 40; i++) {
		const size_t at = rng_below(1, 2, i, i < 20 ? 900 : (uint32_t)s.size);
		s.bytes[at] ^= (char)(1 << rng_below(1, 3, i, 8));
		state_write(&s, s.bytes, s.size);
		const int code = run(&a);
		if (at >= 1024)
			CHECK_INT(code, ERR_FORMAT);
		s.bytes[at] ^= (char)(1 << rng_below(1, 3, i, 8));
	}
	free(s.bytes);
}

/* Writes what only a faulty program could: checksums that fit the values. */
static void state_write_summed(const struct state *s, char *bytes, size_t size)
{
	static const char *const names[] = {"key", "position", "scores", "weights", "first_moments", "second_moments"};
	int64_t old[6], sums[6];
	struct checkpoint *file;
	struct err e = {0};
	state_write(s, bytes, size);
	if (!CHECK_OK(checkpoint_open(&file, s->path, &e), &e))
		return;
	memcpy(old, checkpoint_find(file, "crc32")->data, sizeof old);
	for (int i = 0; i < 6; i++) {
		const struct tensor *t = checkpoint_find(file, names[i]);
		sums[i] = (int64_t)crc32_z(0, t->data, t->bytes);
	}
	checkpoint_close(file);
	char *found = memmem(bytes, size, old, sizeof old);
	if (CHECK(found != NULL))
		memcpy(found, sums, sizeof sums);
	state_write(s, bytes, size);
}

static int64_t *position_of(const struct state *s)
{
	static int64_t words[6];
	struct checkpoint *file;
	struct err e = {0};
	if (CHECK_OK(checkpoint_open(&file, s->path, &e), &e)) {
		memcpy(words, checkpoint_find(file, "position")->data, sizeof words);
		checkpoint_close(file);
	}
	return words;
}

/* epoch, batch, step, ended, scored, updates: as in run_folder.c. */
static void check_position(struct attempt *a, const struct state *s, int which, int64_t value)
{
	int64_t *words = position_of(s), kept[6];
	char *copy = malloc(s->size), *found;
	memcpy(kept, words, sizeof kept);
	memcpy(copy, s->bytes, s->size);
	found = memmem(copy, s->size, kept, sizeof kept);
	if (CHECK(found != NULL)) {
		kept[which] = value;
		memcpy(found, kept, sizeof kept);
		state_write_summed(s, copy, s->size);
		CHECK_INT(run(a), ERR_FORMAT);
		CHECK_CONTAINS(a->e.text, "state");
		state_write(s, s->bytes, s->size);
	}
	free(copy);
}

TEST(an_impossible_position_is_an_error)
{
	static const int64_t bad[] = {-1, 1000, INT64_MAX, INT64_MIN};
	struct attempt a;
	struct state s;
	prepare(&a, FINETUNE, "position");
	a.stop_after = 6; /* in the second epoch of four batches each */
	CHECK_INT(run(&a), ERR_INTERRUPTED);
	REQUIRE(state_read(&s, &a));
	for (int i = 0; i < 4; i++) {
		check_position(&a, &s, 0, bad[i]);
		check_position(&a, &s, 1, bad[i]);
		check_position(&a, &s, 4, bad[i]);
	}
	check_position(&a, &s, 2, -1);
	check_position(&a, &s, 5, -1);
	free(s.bytes);
}

TEST(a_state_with_a_nan_is_an_error)
{
	const float nan = NAN;
	struct attempt a;
	struct state s;
	prepare(&a, FINETUNE, "nan-state");
	a.stop_after = 2;
	CHECK_INT(run(&a), ERR_INTERRUPTED);
	REQUIRE(state_read(&s, &a));
	memcpy(s.bytes + s.size - 64, &nan, sizeof nan);
	state_write_summed(&s, s.bytes, s.size);
	CHECK_INT(run(&a), ERR_FORMAT);
	CHECK_CONTAINS(a.e.text, "is not finite");
	free(s.bytes);
}

/* ---- what goes wrong ------------------------------------------------------------------------------------------ */

TEST(an_absurd_learning_rate_stops_with_step_and_tensor_and_leaves_the_last_good_state)
{
	static const double rates[] = {1e30, 1e38, 1e300};
	for (int i = 0; i < 3; i++) {
		struct attempt a;
		struct checkpoint *file;
		char name[32];
		snprintf(name, sizeof name, "absurd-%d", i);
		prepare(&a, FINETUNE, name);
		a.plan.rate = rates[i];
		a.plan.warmup = 0.2; /* the first step has rate 0: one good state */
		CHECK_INT(run(&a), ERR_LIMIT);
		CHECK_CONTAINS(a.e.text, "step ");
		CHECK_CONTAINS(a.e.text, "tensor '");
		CHECK(!has(&a, "epoch-3"));
		char path[5000];
		snprintf(path, sizeof path, "%s/state.safetensors", a.out);
		struct err e = {0};
		if (!CHECK_OK(checkpoint_open(&file, path, &e), &e))
			continue;
		const struct tensor *w = checkpoint_find(file, "weights");
		float *values = malloc((size_t)w->count * sizeof *values);
		tensor_to_float(values, w, 0, w->count);
		CHECK(find_not_finite(values, w->count) < 0);
		free(values);
		checkpoint_close(file);
	}
}

/* The last step's damage would never meet another loss. */
TEST(a_last_step_that_ruins_the_weights_is_an_error_too)
{
	struct attempt a;
	prepare(&a, FINETUNE, "ruined");
	a.plan.epochs = 1;
	a.plan.batch = 15;
	a.plan.warmup = 0.5;
	a.plan.rate = 1e39; /* the first of two steps has rate 0 */
	a.events.epoch = NULL;
	CHECK_INT(run(&a), ERR_LIMIT);
	CHECK_CONTAINS(a.e.text, "is not finite after step 2");
	CHECK(!has(&a, "model.safetensors") && !has(&a, "epoch-1"));
}

/* In a process of its own, whose files may not grow beyond `bytes`. */
static int run_on_a_full_disk(struct attempt *a, size_t bytes)
{
	int status;
	fflush(stdout);
	const pid_t child = fork();
	if (child == 0) {
		const struct rlimit limit = {bytes, bytes};
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		const int code = run(a);
		_exit(code == ERR_IO && strstr(a->e.text, "cannot write '") && strstr(a->e.text, "safetensors'") ? 0 : 1);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(a_full_disk_is_an_error_and_leaves_the_state_before_whole)
{
	struct attempt a;
	struct state before, after;
	prepare(&a, FINETUNE, "full");
	a.stop_after = 2;
	CHECK_INT(run(&a), ERR_INTERRUPTED);
	a.stop_after = 0;
	REQUIRE(state_read(&before, &a));
	for (int i = 1; i < 4; i++) {
		CHECK_INT(run_on_a_full_disk(&a, before.size * (size_t)i / 4), 0);
		if (!state_read(&after, &a))
			break;
		CHECK(before.size == after.size && !memcmp(before.bytes, after.bytes, after.size));
		free(after.bytes);
	}
	free(before.bytes);
	CHECK_OK(run(&a), &a.e);
	check_undisturbed(&a);
}

static void check_bad(struct attempt *a, const char *sentence)
{
	CHECK(run(a) != 0);
	CHECK_CONTAINS(a->e.text, sentence);
	CHECK(a->seen == 0 && !has(a, "state.safetensors"));
}

TEST(bad_examples_are_found_before_the_first_step)
{
	struct attempt a;
	struct example *x;
	prepare(&a, ADAPLER, "bad");
	x = &a.data->examples[17];
#define WITH(field, value, sentence)    \
	do {                                \
		const struct example kept = *x; \
		x->field = (value);             \
		check_bad(&a, sentence);        \
		*x = kept;                      \
	} while (0)
	WITH(label, TINY_C, "label 3 of example 17 is outside 0..2");
	WITH(label, -1, "label -1 of example 17");
	WITH(n, 0, "example 17 has 0 tokens");
	WITH(n, -3, "example 17 has -3 tokens");
	WITH(n, TINY_P + 1, "example 17 has 17 tokens, the trainer was opened for 1 to 16");
	WITH(saliency, NULL, "example 17 brings no saliency");
#undef WITH
	static const float bad[] = {-1, NAN, INFINITY};
	static const char *const sentences[] = {"saliency -1 of example 17 at token 1", "saliency nan of example 17",
	                                        "the saliency of example 17 is not finite"};
	for (int i = 0; i < 3; i++) {
		const float kept = a.data->saliency[17][1];
		a.data->saliency[17][1] = bad[i];
		check_bad(&a, sentences[i]);
		a.data->saliency[17][1] = kept;
	}
	a.data->ids[17][1] = TINY_V;
	check_bad(&a, "token id 40 of example 17 is outside the vocabulary of 40");
	a.data->ids[17][1] = -1;
	check_bad(&a, "token id -1 of example 17");
	a.data->ids[17][1] = 5;
	a.data->type_ids[17][1] = 2;
	check_bad(&a, "type id 2 of example 17 is outside the 2 token types");
}

TEST(bad_texts_of_a_language_model_are_found_too)
{
	struct attempt a;
	prepare(&a, LANGUAGE, "bad-text");
	a.data->examples[9].n = -3;
	check_bad(&a, "example 9 has -3 tokens");
	a.data->examples[9].n = 3;
	a.data->ids[9][1] = TINY_V;
	check_bad(&a, "token id 40 of example 9");
}

TEST(plans_that_make_no_sense_are_refused)
{
	struct attempt a;
	prepare(&a, LANGUAGE, "senseless");
	const struct training_plan kept = a.plan;
#define WITH(field, value, sentence) \
	do {                             \
		a.plan.field = (value);      \
		check_bad(&a, sentence);     \
		a.plan = kept;               \
	} while (0)
	WITH(epochs, 0, "epochs must be from 1");
	WITH(epochs, EPOCHS_MAX + 1, "epochs must be from 1 to 1000, found 1001");
	WITH(batch, -1, "a batch of -1 examples");
	WITH(batch_tokens, 0, "a batch of 0 examples and 0 tokens");
	WITH(rate, NAN, "learning rates nan");
	WITH(speed_rate, -1, "learning rates");
	WITH(bucket, 2, "not bucketed by length");
	WITH(dtype, "f31", "no dtype 'f31'");
	WITH(tokenizer, NULL, "a model whose vocabulary");
	WITH(warmup, NAN, "a warm-up of nan");
	WITH(warmup, 1.5, "a warm-up of 1.5");
	WITH(decay, NAN, "a decay of nan");
	WITH(mask_id, -1, "mask id -1 is outside the vocabulary of 40");
	WITH(mask_id, TINY_V, "mask id 40 is outside the vocabulary of 40");
#undef WITH
	a.data->count = 0;
	check_bad(&a, "there is nothing to train on");
	prepare(&a, ADAPLER, "senseless");
	a.plan.lambda_factor = 0;
	check_bad(&a, "lambda goes from 10 to 0");
	a.plan.lambda_factor = 1e200;
	check_bad(&a, "lambda goes from 10 to inf");
}

/* The largest batch that a run really sees. */
static int64_t most_tokens;

static int note_tokens(void *arg, const struct training_step *s, struct err *e)
{
	(void)arg, (void)e;
	most_tokens = s->losses->tokens > most_tokens ? s->losses->tokens : most_tokens;
	return 0;
}

TEST(the_largest_batch_is_known_before_the_run)
{
	for (int bucket = 0; bucket < 3; bucket += 2) {
		struct attempt a;
		int64_t rows;
		prepare(&a, FINETUNE, bucket ? "largest-bucketed" : "largest");
		a.plan.bucket = bucket;
		a.events.step = note_tokens;
		most_tokens = 0;
		CHECK_OK(run(&a), &a.e);
		CHECK_OK(training_rows(a.data->examples, a.data->count, &a.plan, &rows, &a.e), &a.e);
		CHECK_INT(rows, most_tokens);
	}
}

TEST(a_run_wants_a_fresh_trainer)
{
	struct attempt a;
	struct trainer *t;
	prepare(&a, FINETUNE, "used");
	REQUIRE_OK(trainer_open(&t, a.model, &a.options, &a.e), &a.e);
	CHECK_OK(training_run(t, a.data->examples, a.data->count, &a.plan, &a.events, &a.result, &a.e), &a.e);
	CHECK_INT(training_run(t, a.data->examples, a.data->count, &a.plan, &a.events, &a.result, &a.e), ERR_USAGE);
	CHECK_CONTAINS(a.e.text, "just opened");
	trainer_close(t);
}

TEST(starting_over_goes_on_with_the_same_run_and_replaces_another_or_a_broken_one)
{
	struct attempt a;
	prepare(&a, FINETUNE, "over");
	a.plan.start_over = 1;
	a.stop_after = 3;
	CHECK_INT(run(&a), ERR_INTERRUPTED);
	CHECK_INT(run(&a), ERR_INTERRUPTED);
	CHECK_INT(a.begun_at, 3);
	a.plan.seed = 2;
	CHECK_INT(run(&a), ERR_INTERRUPTED);
	CHECK_INT(a.begun_at, 0);
	a.plan.seed = 1;
	a.stop_after = 0;
	CHECK_OK(run(&a), &a.e);
	check_undisturbed(&a);
}

/* ERR_IO before the first step, as a results database that cannot be opened gives it. */
static int fail_begin(void *arg, const char *key, int64_t step, int64_t steps, struct err *e)
{
	(void)arg, (void)key, (void)step, (void)steps;
	return err_set(e, ERR_IO, "no database");
}

TEST(starting_over_destroys_nothing_before_the_new_run_begins)
{
	struct attempt a;
	prepare(&a, FINETUNE, "spared");
	CHECK_OK(run(&a), &a.e);
	a.plan.start_over = 1;
	a.plan.seed = 2;
	a.events.begin = fail_begin;
	CHECK_INT(run(&a), ERR_IO);
	check_undisturbed(&a);
}

TEST(an_enormous_bucket_is_all_the_data)
{
	struct attempt a;
	prepare(&a, FINETUNE, "bucket");
	a.plan.bucket = 1 << 30;
	CHECK_OK(run(&a), &a.e);
}

TEST(events_that_fail_end_the_run_which_then_goes_on)
{
	struct attempt a;
	prepare(&a, FINETUNE, "events");
	a.fail_step = 3; /* two checkpoints were written */
	CHECK_INT(run(&a), ERR_IO);
	CHECK_STR(a.e.text, "the log is full");
	a.fail_step = 0;
	a.fail_checkpoint = 1;
	CHECK_INT(run(&a), ERR_IO);
	CHECK_STR(a.e.text, "the log is shut");
	CHECK_INT(a.begun_at, 2);
	a.fail_checkpoint = 0;
	a.fail_epoch = 2; /* after 4 steps of each epoch */
	a.plan.checkpoint_seconds = 1000;
	CHECK_INT(run(&a), ERR_INTERRUPTED);
	CHECK_STR(a.e.text, "no patience");
	CHECK_INT(a.begun_at, 2);
	a.fail_epoch = 0;
	CHECK_OK(run(&a), &a.e);
	CHECK_INT(a.begun_at, 8);
	check_undisturbed(&a);
}

/* ---- what is kept --------------------------------------------------------------------------------------------- */

/* The epochs whose folders are there, "1 3", and the best. */
static void check_kept(const struct training_score *scores, int epochs, int keep, double floor, const char *kept,
                       int best)
{
	struct attempt a;
	static int runs;
	char name[32], found[64] = "", mine[5000], of_best[5000], *x = NULL, *y = NULL;
	size_t size[2];
	struct err e = {0};
	snprintf(name, sizeof name, "kept-%d", runs++);
	prepare(&a, FINETUNE, name);
	a.plan.epochs = epochs;
	a.plan.batch = 30;
	a.plan.keep = keep;
	a.plan.floor = floor;
	a.scores = scores;
	REQUIRE_OK(run(&a), &a.e);
	for (int i = 1; i <= epochs; i++) {
		snprintf(name, sizeof name, "epoch-%d", i);
		if (has(&a, name))
			snprintf(found + strlen(found), sizeof found - strlen(found), "%s%d", *found ? " " : "", i);
	}
	CHECK_STR(found, kept);
	CHECK_INT(a.result.best + 1, best);
	CHECK_NEAR(a.result.score.score, scores[best - 1].score, 0);
	snprintf(mine, sizeof mine, "%s/model.safetensors", a.out);
	snprintf(of_best, sizeof of_best, "%s/epoch-%d/model.safetensors", a.out, best);
	CHECK_OK(file_read(&x, &size[0], mine, 1 << 24, &e), &e);
	CHECK_OK(file_read(&y, &size[1], of_best, 1 << 24, &e), &e);
	CHECK(x && y && size[0] == size[1] && !memcmp(x, y, size[0]));
	free(x);
	free(y);
}

TEST(the_best_three_epochs_are_kept_and_the_best_of_them_is_the_model)
{
	const struct training_score plain[] = {{0.5, NAN}, {0.7, NAN}, {0.6, NAN}, {0.9, NAN}, {0.1, NAN}};
	check_kept(plain, 5, 0, NAN, "2 3 4", 4);
	check_kept(plain, 5, 1, NAN, "4", 4);
	check_kept(plain, 2, 0, NAN, "1 2", 2);
}

TEST(of_equal_epochs_the_earlier_is_kept)
{
	const struct training_score ties[] = {{0.5, NAN}, {0.5, NAN}, {0.5, NAN}, {0.5, NAN}};
	check_kept(ties, 4, 2, NAN, "1 2", 1);
}

TEST(above_the_floor_the_faster_is_better_and_below_it_the_better_score)
{
	const struct training_score s[] = {{0.90, 2}, {0.79, 9}, {0.81, 5}, {0.80, 5}, {0.70, 20}};
	check_kept(s, 5, 0, 0.8, "1 3 4", 3);  /* 3, then 4 by score, then 1 */
	check_kept(s, 5, 0, 0.95, "1 3 4", 1); /* none is above: by score */
	check_kept(s, 5, 2, -1, "2 5", 5);     /* all are above: by speed */
	check_kept(s, 5, 2, NAN, "1 3", 1);    /* no floor: by score */
}

TEST(an_epoch_without_a_score_is_the_worst)
{
	const struct training_score s[] = {{NAN, NAN}, {-5, NAN}, {NAN, NAN}};
	check_kept(s, 3, 1, NAN, "2", 2);
}

TEST(a_new_run_sweeps_what_killed_and_earlier_ones_left)
{
	static const char *const left[] = {"state.safetensors.12.0000abcd.tmp", "model.safetensors.12.0000abcd.tmp",
	                                   "epoch-1.tmp/model.safetensors", "epoch-9/config.json", "model.safetensors"};
	struct attempt a;
	struct err e = {0};
	char path[5000];
	prepare(&a, FINETUNE, "swept");
	for (int i = 0; i < 5; i++) {
		snprintf(path, sizeof path, "%s/%s", a.out, left[i]);
		*strrchr(path, '/') = '\0';
		CHECK_OK(file_make_directories(path, &e), &e);
		path[strlen(path)] = '/';
		CHECK_OK(file_write_atomic(path, "left", 4, &e), &e);
	}
	snprintf(path, sizeof path, "%s/notes.tmp", a.out);
	CHECK_OK(file_write_atomic(path, "mine", 4, &e), &e);
	/* Somebody's models do not give way unasked. */
	CHECK_INT(run(&a), ERR_USAGE);
	CHECK_CONTAINS(a.e.text, "holds a model and no run");
	CHECK(has(&a, "epoch-9") && has(&a, "model.safetensors"));
	a.plan.start_over = 1;
	CHECK_OK(run(&a), &a.e);
	CHECK(has(&a, "notes.tmp") && !has(&a, "epoch-9"));
	unlink(path);
	check_undisturbed(&a);
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[5000];
	struct err e = {0};
	snprintf(path, sizeof path, "%s/%s", folder, name);
	CHECK_OK(file_make_directories(folder, &e), &e);
	CHECK_OK(file_write_atomic(path, text, strlen(text), &e), &e);
}

static int is_kept(const char *folder, const char *name)
{
	char path[5000];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return file_exists(path);
}

/* Without --force a folder with a model is not touched at all, links are not followed, a lock is a lock. */
TEST(files_of_other_people_are_left_alone)
{
	struct attempt a;
	char outside[4096], path[5000];
	snprintf(outside, sizeof outside, "%s", test_path("outside"));
	write_file(outside, "model.safetensors", "precious");
	prepare(&a, FINETUNE, "others");
	write_file(a.out, "model.safetensors", "mine");
	write_file(a.out, "config.json.tmp", "mine");
	snprintf(path, sizeof path, "%s/epoch-1.tmp", a.out);
	CHECK(!symlink(outside, path));
	CHECK_INT(run(&a), ERR_USAGE);
	CHECK(has(&a, "config.json.tmp") && !has(&a, "lock") && is_kept(outside, "model.safetensors"));
	a.plan.start_over = 1;
	snprintf(path, sizeof path, "%s/epoch-2", a.out);
	CHECK(!symlink(outside, path));
	CHECK_OK(run(&a), &a.e);
	CHECK(is_kept(outside, "model.safetensors"));
	check_undisturbed(&a);
}

TEST(an_epochs_folder_with_more_than_a_model_stops_a_run_that_would_replace_it)
{
	struct attempt a;
	char path[5000];
	prepare(&a, FINETUNE, "thesis");
	snprintf(path, sizeof path, "%s/epoch-9", a.out);
	write_file(path, "config.json", "{}");
	write_file(path, "thesis.txt", "precious");
	a.plan.start_over = 1;
	CHECK_INT(run(&a), ERR_USAGE);
	CHECK_CONTAINS(a.e.text, "epoch-9' holds more than a model");
	CHECK(is_kept(path, "thesis.txt") && a.seen == 0);
}

TEST(a_file_named_lock_that_is_none_is_not_overwritten)
{
	struct attempt a;
	char path[5000], *text;
	size_t size;
	prepare(&a, FINETUNE, "not-a-lock");
	write_file(a.out, "lock", "my combination");
	CHECK_INT(run(&a), ERR_USAGE);
	CHECK_CONTAINS(a.e.text, "is not a lock of a run");
	snprintf(path, sizeof path, "%s/lock", a.out);
	REQUIRE_OK(file_read(&text, &size, path, 100, &a.e), &a.e);
	CHECK(size == 14);
	free(text);
}

TEST(a_run_whose_model_is_gone_says_so_and_starts_over)
{
	struct attempt a;
	char path[5000];
	prepare(&a, FINETUNE, "gone");
	CHECK_OK(run(&a), &a.e);
	snprintf(path, sizeof path, "%s/model.safetensors", a.out);
	CHECK(!unlink(path));
	CHECK_INT(run(&a), ERR_FORMAT);
	CHECK_CONTAINS(a.e.text, "the model of the run");
	a.plan.start_over = 1;
	CHECK_OK(run(&a), &a.e);
	check_undisturbed(&a);
}

TEST(another_forms_tokenizer_does_not_outlive_its_model)
{
	struct attempt a;
	prepare(&a, FINETUNE, "tokenizer");
	write_file(a.out, "model.safetensors.index.json", "{}");
	write_file(a.out, "model-00001-of-00002.safetensors", "");
	write_file(a.out, "tokenizer.json", "{}");
	write_file(a.out, "model-card.md", "mine");
	write_file(a.out, "tokenizer-notes.tmp", "mine");
	a.plan.start_over = 1;
	CHECK_OK(run(&a), &a.e);
	static const char *const mine[] = {"model-card.md", "tokenizer-notes.tmp"};
	for (int i = 0; i < 2; i++) {
		char path[5000];
		snprintf(path, sizeof path, "%s/%s", a.out, mine[i]);
		CHECK(!unlink(path));
	}
	check_undisturbed(&a);
}

/* ---- hidden words --------------------------------------------------------------------------------------------- */

enum { TEXT = 402 }; /* 400 between [CLS] and [SEP], of which 60 are asked for */

struct masks {
	int asked, hidden, changed, same;
};

static struct masks mask(struct example *x, uint64_t stream, int *ids, int *targets)
{
	static char label[1][LABEL_SIZE];
	const struct config c = {.V = 1000, .labels = label};
	struct masks m = {0};
	training_mask(x, &c, 103, 1, stream, ids, targets);
	for (int i = 0; i < x->n; i++) {
		CHECK(targets[i] == -1 ? ids[i] == x->ids[i] : targets[i] == x->ids[i]);
		CHECK(ids[i] == x->ids[i] || ids[i] == 103 || (ids[i] > 103 && ids[i] < 1000));
		m.asked += targets[i] >= 0;
		m.hidden += targets[i] >= 0 && ids[i] == 103;
		m.same += targets[i] >= 0 && ids[i] == targets[i];
	}
	m.changed = m.asked - m.hidden - m.same;
	CHECK(targets[0] == -1 && targets[x->n - 1] == -1);
	return m;
}

static void fill_text(int ids[TEXT], int n)
{
	for (int i = 0; i < n; i++)
		ids[i] = i == 0 ? 101 : i == n - 1 ? 102 : 104 + i;
}

/* Of N draws with probability p: within four deviations. */
static void check_share(int found, int N, double p) { CHECK_NEAR(found, N * p, 4 * sqrt(N * p * (1 - p))); }

TEST(of_the_words_asked_for_eighty_percent_are_hidden_ten_changed_ten_stay)
{
	int text[TEXT], ids[TEXT], targets[TEXT], where[TEXT] = {0};
	struct example x = {.n = TEXT, .ids = text};
	struct masks sum = {0};
	fill_text(text, TEXT);
	for (uint64_t stream = 0; stream < 200; stream++) {
		const struct masks m = mask(&x, stream, ids, targets);
		CHECK_INT(m.asked, 60);
		sum.hidden += m.hidden;
		sum.changed += m.changed;
		sum.same += m.same;
		for (int i = 0; i < TEXT; i++)
			where[i] += targets[i] >= 0;
	}
	check_share(sum.hidden, 12000, 0.8);
	check_share(sum.changed, 12000, 0.1 * 895 / 896); /* another word may be the same one */
	check_share(sum.same, 12000, 0.1 + 0.1 / 896);
	for (int i = 1; i < TEXT - 1; i++)
		CHECK_NEAR(where[i], 30, 5 * sqrt(200 * 0.15 * 0.85));
}

TEST(the_share_is_exact_for_every_length_and_at_least_one)
{
	int text[TEXT], ids[TEXT], targets[TEXT];
	for (int n = 1; n <= TEXT; n++) {
		struct example x = {.n = n, .ids = text};
		fill_text(text, n);
		const int share = (int)floor(0.15 * (n - 2) + 0.5 + 1e-9), asked = mask(&x, 7, ids, targets).asked;
		CHECK_INT(asked, n < 3 ? 0 : share > 1 ? share : 1);
	}
}

TEST(masks_are_the_streams_own)
{
	int text[TEXT], a[TEXT], b[TEXT], c[TEXT], targets[3][TEXT];
	struct example x = {.n = TEXT, .ids = text};
	fill_text(text, TEXT);
	mask(&x, 1, a, targets[0]);
	mask(&x, 1, b, targets[1]);
	mask(&x, 2, c, targets[2]);
	CHECK(!memcmp(a, b, sizeof a) && !memcmp(targets[0], targets[1], sizeof targets[0]));
	CHECK(memcmp(a, c, sizeof a) != 0 && memcmp(targets[0], targets[2], sizeof targets[0]) != 0);
}
