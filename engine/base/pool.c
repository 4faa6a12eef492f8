/* Fork and join in about a microsecond.
 *
 * The layers of a small model take a hundred microseconds on two threads, with a dozen joins in each, so threads that
 * wait watch one word, the ticket, and sleep in the kernel only when nothing came for a while.
 *
 * The ticket holds the round in its upper half and the tasks not yet taken in its lower half; a task is taken by a
 * compare-and-swap that takes one off. run, arg and tasks are written only after the last round is complete, that is
 * when its ticket stands at zero. So a thread that was delayed between reading them and its swap cannot succeed with
 * values of another round: the swap fails, because the round differs or nothing is left. */
#include "pool.h"

#include "clock.h"
#include "err.h"

#include <assert.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { THREADS_MAX = 1024, LINE_BYTES = 128 }; /* two cache lines: the processor fetches neighbours in pairs */
enum { SPIN_NS = 80000, JOIN_SPIN_NS = 200000, CROWDED_SPIN_NS = 2000, PAUSES = 16 };

struct worker {
	struct pool *pool;
	int number;
	pthread_t thread;
};

struct pool {
	alignas(LINE_BYTES) _Atomic uint64_t ticket;
	alignas(LINE_BYTES) _Atomic(pool_task *) run;
	_Atomic(void *) arg;
	atomic_int tasks;
	alignas(LINE_BYTES) atomic_int done;   /* tasks of this round finished by workers, not by the caller */
	alignas(LINE_BYTES) atomic_uint alarm; /* the word that sleepers sleep on */
	atomic_int sleepers;
	atomic_int closing;
	alignas(LINE_BYTES) int threads;
	int spin_ns, join_spin_ns;
	uint32_t round;
	struct worker *workers; /* [threads], 0 is the caller */
};

static uint32_t tasks_left(uint64_t ticket) { return (uint32_t)ticket; }

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("isb" ::: "memory");
#endif
}

static void futex_sleep(atomic_uint *word, unsigned seen)
{
	syscall(SYS_futex, (unsigned *)word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void futex_wake(atomic_uint *word, int count)
{
	syscall(SYS_futex, (unsigned *)word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

/* Runs tasks of the round as long as there are any; returns how many. */
static int run_tasks(struct pool *p, int number)
{
	int count = 0;
	uint64_t ticket = atomic_load_explicit(&p->ticket, memory_order_acquire);
	while (tasks_left(ticket)) {
		pool_task *run = atomic_load_explicit(&p->run, memory_order_relaxed);
		void *arg = atomic_load_explicit(&p->arg, memory_order_relaxed);
		int tasks = atomic_load_explicit(&p->tasks, memory_order_relaxed);
		if (!atomic_compare_exchange_weak_explicit(&p->ticket, &ticket, ticket - 1, memory_order_acq_rel,
		                                           memory_order_acquire))
			continue;
		run(arg, tasks - (int)tasks_left(ticket), number);
		count++;
		ticket = atomic_load_explicit(&p->ticket, memory_order_acquire);
	}
	return count;
}

/* Watches for work without giving the processor back; 0: none came in time. */
static int spin_for_work(struct pool *p)
{
	int64_t begin = clock_ns();
	do {
		for (int i = 0; i < PAUSES; i++) {
			if (tasks_left(atomic_load_explicit(&p->ticket, memory_order_relaxed)))
				return 1;
			relax();
		}
		if (atomic_load_explicit(&p->closing, memory_order_relaxed))
			return 1;
	} while (clock_ns() - begin < p->spin_ns);
	return 0;
}

/* A sleeper announces itself before its last look at the ticket, and pool_for looks for sleepers after it wrote the
 * ticket: one of the two sees the other. */
static void sleep_for_work(struct pool *p)
{
	unsigned seen = atomic_load(&p->alarm);
	atomic_fetch_add(&p->sleepers, 1);
	if (!tasks_left(atomic_load(&p->ticket)) && !atomic_load(&p->closing))
		futex_sleep(&p->alarm, seen);
	atomic_fetch_sub(&p->sleepers, 1);
}

static void ring(struct pool *p, int count)
{
	atomic_fetch_add(&p->alarm, 1);
	futex_wake(&p->alarm, count);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct pool *p = w->pool;
	while (!atomic_load(&p->closing)) {
		int count = run_tasks(p, w->number);
		if (count)
			atomic_fetch_add_explicit(&p->done, count, memory_order_release);
		if (!spin_for_work(p))
			sleep_for_work(p);
	}
	return NULL;
}

/* Waits until workers have finished `count` tasks. */
static void join(struct pool *p, int count)
{
	int64_t begin = 0;
	for (int i = 1; atomic_load_explicit(&p->done, memory_order_acquire) != count; i++) {
		relax();
		if (i % PAUSES)
			continue;
		int64_t now = clock_ns();
		if (!begin)
			begin = now;
		if (now - begin > p->join_spin_ns)
			sched_yield();
	}
}

void pool_for(struct pool *p, int tasks, pool_task *run, void *arg)
{
	if (!p || p->threads == 1 || tasks <= 1) {
		for (int i = 0; i < tasks; i++)
			run(arg, i, 0);
		return;
	}
	atomic_store_explicit(&p->run, run, memory_order_relaxed);
	atomic_store_explicit(&p->arg, arg, memory_order_relaxed);
	atomic_store_explicit(&p->tasks, tasks, memory_order_relaxed);
	atomic_store_explicit(&p->done, 0, memory_order_relaxed);
	/* Task 0 is the caller's from the start. */
	atomic_store(&p->ticket, (uint64_t)++p->round << 32 | (uint32_t)(tasks - 1));
	if (atomic_load(&p->sleepers))
		ring(p, tasks - 1);
	run(arg, 0, 0);
	join(p, tasks - 1 - run_tasks(p, 0));
}

int pool_processors(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof set, &set) == 0)
		return CPU_COUNT(&set);
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 ? (int)n : 1;
}

/* Signals are the business of the thread that came with the process. */
static int start_workers(struct pool *p, int threads, struct err *e)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = 0;
	for (; p->threads < threads && !failed; p->threads += !failed) {
		struct worker *w = &p->workers[p->threads];
		*w = (struct worker){.pool = p, .number = p->threads};
		failed = pthread_create(&w->thread, NULL, work, w);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed ? err_set_errno(e, failed, "cannot start thread %d of %d", p->threads + 1, threads) : 0;
}

int pool_open(struct pool **out, int threads, struct err *e)
{
	*out = NULL;
	if (threads < 0 || threads > THREADS_MAX)
		return err_set(e, ERR_LIMIT, "threads must be from 1 to %d, found %d", THREADS_MAX, threads);
	int processors = pool_processors();
	if (threads == 0)
		threads = processors < THREADS_MAX ? processors : THREADS_MAX;
	struct pool *p = aligned_alloc(LINE_BYTES, sizeof *p);
	struct worker *workers = calloc((size_t)threads, sizeof *workers);
	if (!p || !workers) {
		free(p);
		free(workers);
		return err_set(e, ERR_MEMORY, "out of memory for %d threads", threads);
	}
	memset(p, 0, sizeof *p);
	int crowded = threads > processors;
	p->spin_ns = crowded ? CROWDED_SPIN_NS : SPIN_NS;
	p->join_spin_ns = crowded ? CROWDED_SPIN_NS : JOIN_SPIN_NS;
	p->workers = workers;
	p->threads = 1;
	if (start_workers(p, threads, e)) {
		pool_close(p);
		return ERR_IO;
	}
	*out = p;
	return 0;
}

void pool_close(struct pool *p)
{
	if (!p)
		return;
	atomic_store(&p->closing, 1);
	ring(p, THREADS_MAX);
	for (int i = 1; i < p->threads; i++)
		pthread_join(p->workers[i].thread, NULL);
	free(p->workers);
	free(p);
}

int pool_threads(const struct pool *p) { return p ? p->threads : 1; }
