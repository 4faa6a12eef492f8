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

/* ---- sets ------------------------------------------------------------------------------------------------------ */

/* 0 marks a free place: the key 0 shares one with another, which costs nothing but a collision of hashes. */
static uint64_t stored(uint64_t key) { return key ? key : 1; }

static uint64_t *find_key(const struct hash_set *s, uint64_t key)
{
	size_t i = spread(key) & (s->capacity - 1);
	while (s->key[i] && s->key[i] != key)
		i = (i + 1) & (s->capacity - 1);
	return &s->key[i];
}

int hash_set_has(const struct hash_set *s, uint64_t key) { return s->capacity && *find_key(s, stored(key)); }

static int grow_set(struct hash_set *s, struct err *e)
{
	struct hash_set larger = {.capacity = s->capacity ? s->capacity * 2 : 1024, .count = s->count};
	larger.key = calloc(larger.capacity, sizeof *larger.key);
	if (!larger.key)
		return err_set(e, ERR_MEMORY, "out of memory for a set of %zu keys", larger.capacity);
	for (size_t i = 0; i < s->capacity; i++)
		if (s->key[i])
			*find_key(&larger, s->key[i]) = s->key[i];
	free(s->key);
	*s = larger;
	return 0;
}

int hash_set_add(struct hash_set *s, uint64_t key, int *is_new, struct err *e)
{
	int code = (s->count + 1) * 3 > s->capacity * 2 ? grow_set(s, e) : 0;
	if (code)
		return code;
	uint64_t *place = find_key(s, stored(key));
	if (is_new)
		*is_new = !*place;
	s->count += !*place;
	*place = stored(key);
	return 0;
}

void hash_set_free(struct hash_set *s)
{
	free(s->key);
	*s = (struct hash_set){0};
}
