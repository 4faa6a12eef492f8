/* Hashes of bytes, and a map and a set of 64-bit keys (open addressing). */
#ifndef ADAPLER_EVAL_HASH_H
#define ADAPLER_EVAL_HASH_H

#include <stddef.h>
#include <stdint.h>

struct err;

/* A step of a 64-bit hash: start from HASH_START, feed words or bytes. Not for adversaries. */
#define HASH_START 0x9e3779b97f4a7c15u
uint64_t hash_mix(uint64_t h, uint64_t value);
uint64_t hash_bytes(uint64_t h, const void *bytes, size_t size);

struct hash_map {
	struct hash_entry *entry;
	size_t capacity, count;
};

/* The value of a key; `absent` when it is not there. */
int64_t hash_map_get(const struct hash_map *m, uint64_t key, int64_t absent);
/* Adds or replaces. */
int hash_map_set(struct hash_map *m, uint64_t key, int64_t value, struct err *e);
void hash_map_free(struct hash_map *m);

struct hash_set {
	uint64_t *key;
	size_t capacity, count;
};

int hash_set_has(const struct hash_set *s, uint64_t key);
/* *is_new (may be NULL): whether the key was not there. */
int hash_set_add(struct hash_set *s, uint64_t key, int *is_new, struct err *e);
void hash_set_free(struct hash_set *s);

#endif
