#include "../engine/base/clock.h"
#include "../engine/base/err.h"
#include "../engine/base/pool.h"
#include "test.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum { TASKS_MAX = 1000 };

struct tally {
	int count[TASKS_MAX];
	int worker[TASKS_MAX];
	atomic_int out_of_range;
	int threads;
};

static void count_task(void *arg, int task, int worker)
{
	struct tally *t = arg;
	if (worker < 0 || worker >= t->threads)
		atomic_store(&t->out_of_range, 1);
	t->count[task]++;
	t->worker[task] = worker;
}

static int each_once(const struct tally *t, int tasks)
{
	for (int i = 0; i < TASKS_MAX; i++)
		if (t->count[i] != (i < tasks))
			return 0;
	return !t->out_of_range;
}

static struct tally tally;

static void check_rounds(int threads, int rounds)
{
	struct err e = {0};
	struct pool *p;
	REQUIRE_OK(pool_open(&p, threads, &e), &e);
	CHECK_INT(pool_threads(p), threads);
	int wrong = 0;
	for (int round = 0; round < rounds; round++) {
		int tasks = round % 37;
		memset(&tally, 0, sizeof tally);
		tally.threads = threads;
		pool_for(p, tasks, count_task, &tally);
		wrong += !each_once(&tally, tasks);
	}
	CHECK_INT(wrong, 0);
	pool_close(p);
}

TEST(every_task_runs_once_in_every_round)
{
	check_rounds(2, 20000);
}

TEST(more_threads_than_processors_still_finish)
{
	check_rounds(pool_processors() + 5, 1000);
}

TEST(one_thread_is_the_caller)
{
	check_rounds(1, 100);
}

TEST(many_tasks_are_shared_out)
{
	struct err e = {0};
	struct pool *p;
	REQUIRE_OK(pool_open(&p, 3, &e), &e);
	memset(&tally, 0, sizeof tally);
	tally.threads = 3;
	pool_for(p, TASKS_MAX, count_task, &tally);
	CHECK(each_once(&tally, TASKS_MAX));
	pool_close(p);
}

TEST(workers_that_fell_asleep_are_woken)
{
	struct err e = {0};
	struct pool *p;
	REQUIRE_OK(pool_open(&p, 2, &e), &e);
	tally.threads = 2;
	for (int round = 0; round < 30; round++) {
		nanosleep(&(struct timespec){.tv_nsec = 100000 * (round % 6)}, NULL);
		memset(tally.count, 0, sizeof tally.count);
		pool_for(p, 2, count_task, &tally);
		CHECK(each_once(&tally, 2));
	}
	pool_close(p);
}

static void wait_for_the_other(void *arg, int task, int worker)
{
	(void)worker;
	atomic_int *arrived = arg;
	atomic_fetch_add(&arrived[task], 1);
	for (int64_t begin = clock_ns(); !atomic_load(&arrived[!task]) && clock_ns() - begin < 5000000000;)
		nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL);
	atomic_fetch_add(&arrived[2 + task], atomic_load(&arrived[!task]));
}

TEST(tasks_run_at_the_same_time)
{
	struct err e = {0};
	struct pool *p;
	REQUIRE_OK(pool_open(&p, 2, &e), &e);
	atomic_int arrived[4] = {0};
	pool_for(p, 2, wait_for_the_other, arrived);
	CHECK(arrived[2] && arrived[3]);
	pool_close(p);
}

TEST(without_a_pool_tasks_run_in_order_on_the_caller)
{
	memset(&tally, 0, sizeof tally);
	tally.threads = 1;
	pool_for(NULL, 5, count_task, &tally);
	CHECK(each_once(&tally, 5));
	CHECK_INT(pool_threads(NULL), 1);
	pool_close(NULL);
}

TEST(a_senseless_number_of_threads_is_an_error)
{
	struct err e = {0};
	struct pool *p;
	CHECK_INT(pool_open(&p, -1, &e), ERR_LIMIT);
	CHECK_STR(e.text, "threads must be from 1 to 1024, found -1");
	CHECK(p == NULL);
}

TEST(zero_threads_means_one_for_each_processor)
{
	struct err e = {0};
	struct pool *p;
	REQUIRE_OK(pool_open(&p, 0, &e), &e);
	CHECK_INT(pool_threads(p), pool_processors());
	pool_close(p);
}
