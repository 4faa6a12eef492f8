/* Times tokenizer_encode over the lines of a file: bench_tokenizer MODEL FILE THREADS ROUNDS. Prints the median and the
 * least time of a round, and the pieces of one. Called by scripts/bench_tokenizer.sh. */
#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/pool.h"
#include "engine/engine.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS = 64, GROUP = 16, ROUNDS = 99 };

struct bench {
	struct tokenizer *tokenizer;
	struct encoding encodings[WORKERS];
	long pieces[WORKERS];
	const char **lines; /* [count + 1]: line i is lines[i] .. lines[i+1] - 1 */
	int count;
};

static void encode_group(void *arg, int task, int worker)
{
	struct bench *b = arg;
	struct encoding *x = &b->encodings[worker];
	for (int i = task * GROUP; i < b->count && i < (task + 1) * GROUP; i++) {
		size_t size = (size_t)(b->lines[i + 1] - b->lines[i]) - 1;
		if (!tokenizer_encode(b->tokenizer, b->lines[i], size, NULL, 0, 0, x, NULL))
			b->pieces[worker] += x->n;
	}
}

static void cut(struct bench *b, char *text, size_t size)
{
	b->lines = malloc((size + 2) * sizeof *b->lines);
	b->lines[0] = text;
	for (size_t i = 0; i < size; i++)
		if (text[i] == '\n')
			b->lines[++b->count] = text + i + 1;
	if (size && text[size - 1] != '\n')
		b->lines[++b->count] = text + size + 1;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static struct bench b;
	struct err e = {0};
	struct pool *pool;
	char *text;
	size_t size;
	double ms[ROUNDS];
	if (argc != 5 || tokenizer_open(&b.tokenizer, argv[1], &e) || file_read(&text, &size, argv[2], INT_MAX, &e) ||
	    pool_open(&pool, atoi(argv[3]), &e)) {
		fprintf(stderr, "bench_tokenizer MODEL FILE THREADS ROUNDS: %s\n", e.text);
		return 1;
	}
	cut(&b, text, size);
	int rounds = atoi(argv[4]) < ROUNDS ? atoi(argv[4]) : ROUNDS;
	for (int r = -1; r < rounds; r++) {
		memset(b.pieces, 0, sizeof b.pieces);
		int64_t start = clock_ns();
		pool_for(pool, (b.count + GROUP - 1) / GROUP, encode_group, &b);
		if (r >= 0) /* the first round only warms up */
			ms[r] = (double)(clock_ns() - start) * 1e-6;
	}
	qsort(ms, (size_t)rounds, sizeof *ms, by_size);
	long pieces = 0;
	for (int i = 0; i < WORKERS; i++)
		pieces += b.pieces[i];
	printf("%.3f %.3f %ld\n", ms[rounds / 2], ms[0], pieces);
	return 0;
}
