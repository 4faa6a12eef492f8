#include "hash.h"

#include "../engine/base/err.h"

#include <stdlib.h>
#include <string.h>

struct hash_entry {
	uint64_t key;
	int64_t value;
	int used;
};

/* The finaliser of MurmurHash3 (Appleby), which spreads every bit over all. */
static uint64_t spread(uint64_t x)
{
	x = (x ^ (x >> 33)) * 0xff51afd7ed558ccd;
	x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53;
	return x ^ (x >> 33);
}

uint64_t hash_mix(uint64_t h, uint64_t value) { return spread(h ^ (spread(value) + HASH_START + (h << 6) + (h >> 2))); }

uint64_t hash_bytes(uint64_t h, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	for (; size >= 8; size -= 8, at += 8) {
		uint64_t word = 0;
		for (int i = 0; i < 8; i++)
			word |= (uint64_t)at[i] << (8 * i);
		h = hash_mix(h, word);
	}
	uint64_t rest = size;
	for (size_t i = 0; i < size; i++)
		rest = rest << 8 | at[i];
	return hash_mix(h, rest);
}

static struct hash_entry *find(const struct hash_map *m, uint64_t key)
{
	size_t i = spread(key) & (m->capacity - 1);
	while (m->entry[i].used && m->entry[i].key != key)
		i = (i + 1) & (m->capacity - 1);
	return &m->entry[i];
}

int64_t hash_map_get(const struct hash_map *m, uint64_t key, int64_t absent)
{
	if (!m->capacity)
		return absent;
	const struct hash_entry *x = find(m, key);
	return x->used ? x->value : absent;
}

static int grow(struct hash_map *m, struct err *e)
{
	struct hash_map larger = {.capacity = m->capacity ? m->capacity * 2 : 1024, .count = m->count};
	larger.entry = calloc(larger.capacity, sizeof *larger.entry);
	if (!larger.entry)
		return err_set(e, ERR_MEMORY, "out of memory for a table of %zu keys", larger.capacity);
	for (size_t i = 0; i < m->capacity; i++)
		if (m->entry[i].used)
			*find(&larger, m->entry[i].key) = m->entry[i];
	free(m->entry);
	*m = larger;
	return 0;
}

int hash_map_set(struct hash_map *m, uint64_t key, int64_t value, struct err *e)
{
	int code = (m->count + 1) * 3 > m->capacity * 2 ? grow(m, e) : 0;
	if (code)
		return code;
	struct hash_entry *x = find(m, key);
	m->count += !x->used;
	*x = (struct hash_entry){key, value, 1};
	return 0;
}

void hash_map_free(struct hash_map *m)
{
	free(m->entry);
	*m = (struct hash_map){0};
}
