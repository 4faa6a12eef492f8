/* A small pool of threads for fork and join inside one session.
 *
 * pool_for hands out the task numbers 0..tasks-1, one at a time, to the caller and the pool's threads, and returns when
 * all are done. A task must not depend on which worker runs it (the worker's number only selects scratch memory), so
 * results are the same for every thread count. Workers spin for a moment between calls, because the next call is
 * usually microseconds away, then sleep. Not re-entrant: a task never calls pool_for. */
#ifndef ADAPLER_BASE_POOL_H
#define ADAPLER_BASE_POOL_H

struct err;
struct pool;

typedef void pool_task(void *arg, int task, int worker);

/* `threads` counts the caller: 1 starts none. 0 means one per processor that this process may use. */
int pool_open(struct pool **p, int threads, struct err *e);
void pool_close(struct pool *p);
int pool_threads(const struct pool *p);
/* With p == NULL, or one task, or one thread, everything runs on the caller as worker 0. */
void pool_for(struct pool *p, int tasks, pool_task *run, void *arg);

/* Processors that this process may run on. */
int pool_processors(void);

#endif
