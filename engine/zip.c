/* The end-of-directory record is searched from the back, its 64-bit form taken where the archive has one, and then each
 * directory record is checked against the local header it points to. (APPNOTE.TXT, 4.3 and 4.4.) */
#include "zip.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
	END_SIZE = 22,
	END64_LOCATOR_SIZE = 20,
	END64_SIZE = 56,
	CENTRAL_SIZE = 46,
	LOCAL_SIZE = 30,
	COMMENT_MAX = 65535,
	ENTRIES_MAX = 1 << 16,
};

struct reader {
	const unsigned char *data;
	size_t size;
	const char *name;
	struct err *e;
};

struct directory {
	uint64_t count, size, offset;
};

/* Little-endian numbers; the caller has checked the range. */
static uint64_t number(const unsigned char *at, int bytes)
{
	uint64_t x = 0;
	for (int i = bytes - 1; i >= 0; i--)
		x = x << 8 | at[i];
	return x;
}

static int is_inside(const struct reader *r, uint64_t offset, uint64_t size)
{
	return offset <= r->size && size <= r->size - offset;
}

static int has_signature(const struct reader *r, uint64_t offset, uint64_t size, const char *signature)
{
	return is_inside(r, offset, size) && !memcmp(r->data + offset, signature, 4);
}

static int damaged(const struct reader *r, const char *what)
{
	return err_set(r->e, ERR_FORMAT, "damaged zip archive '%s': %s", r->name, what);
}

/* The record may be followed by a comment, whose length must reach exactly to the end of the file. */
static int find_end(const struct reader *r, size_t *offset)
{
	for (size_t back = END_SIZE; back <= r->size && back <= END_SIZE + COMMENT_MAX; back++) {
		size_t at = r->size - back;
		if (has_signature(r, at, END_SIZE, "PK\5\6") && number(r->data + at + 20, 2) == back - END_SIZE) {
			*offset = at;
			return 0;
		}
	}
	return damaged(r, "no end of the directory (truncated?)");
}

static int read_end(const struct reader *r, struct directory *d)
{
	size_t end = 0;
	int code = find_end(r, &end);
	if (code)
		return code;
	const unsigned char *at = r->data + end;
	*d = (struct directory){number(at + 10, 2), number(at + 12, 4), number(at + 16, 4)};
	if (end < END64_LOCATOR_SIZE || !has_signature(r, end - END64_LOCATOR_SIZE, END64_LOCATOR_SIZE, "PK\6\7"))
		return 0;
	uint64_t end64 = number(at - END64_LOCATOR_SIZE + 8, 8);
	if (!has_signature(r, end64, END64_SIZE, "PK\6\6"))
		return damaged(r, "no 64-bit end of the directory where its locator points");
	at = r->data + end64;
	*d = (struct directory){number(at + 32, 8), number(at + 40, 8), number(at + 48, 8)};
	return 0;
}

/* Fields of 0xffffffff stand in the 64-bit extra field instead, in this order, and only those. */
static int read_extra(const struct reader *r, const unsigned char *extra, size_t size, uint64_t *fields[3])
{
	while (size >= 4) {
		uint64_t id = number(extra, 2), length = number(extra + 2, 2);
		if (length > size - 4)
			return damaged(r, "an extra field runs past its record");
		const unsigned char *at = extra + 4, *end = at + length;
		for (int i = 0; id == 1 && i < 3; i++) {
			if (*fields[i] != 0xffffffff)
				continue;
			if (end - at < 8)
				return damaged(r, "a 64-bit field is missing");
			*fields[i] = number(at, 8);
			at += 8;
		}
		extra += 4 + length;
		size -= 4 + (size_t)length;
	}
	return 0;
}

/* The local header repeats the name, but may have another extra field. */
static int locate(const struct reader *r, struct zip_entry *x, uint64_t offset)
{
	if (!has_signature(r, offset, LOCAL_SIZE, "PK\3\4"))
		return damaged(r, "an entry does not begin where the directory says");
	const unsigned char *at = r->data + offset;
	uint64_t name_size = number(at + 26, 2), extra_size = number(at + 28, 2);
	uint64_t begin = offset + LOCAL_SIZE + name_size + extra_size;
	if (!is_inside(r, begin, x->size))
		return damaged(r, "an entry runs past the end of the file (truncated?)");
	if (name_size != x->name_size || memcmp(at + LOCAL_SIZE, x->name, x->name_size))
		return damaged(r, "an entry has two names");
	x->data = r->data + begin;
	return 0;
}

static int read_entry(const struct reader *r, uint64_t *offset, uint64_t end, struct zip_entry *x)
{
	if (!has_signature(r, *offset, CENTRAL_SIZE, "PK\1\2") || *offset + CENTRAL_SIZE > end)
		return damaged(r, "the directory has fewer entries than it says");
	const unsigned char *at = r->data + *offset;
	uint64_t method = number(at + 10, 2), packed = number(at + 20, 4), size = number(at + 24, 4);
	uint64_t name_size = number(at + 28, 2), extra_size = number(at + 30, 2), comment_size = number(at + 32, 2);
	uint64_t local = number(at + 42, 4), *fields[3] = {&size, &packed, &local};
	uint64_t record = CENTRAL_SIZE + name_size + extra_size + comment_size;
	if (record > end - *offset)
		return damaged(r, "a directory record runs past the directory");
	*x = (struct zip_entry){(const char *)at + CENTRAL_SIZE, (size_t)name_size, NULL, 0, (uint32_t)number(at + 16, 4)};
	int code = read_extra(r, at + CENTRAL_SIZE + name_size, (size_t)extra_size, fields);
	if (code)
		return code;
	if (number(at + 8, 2) & 1)
		return err_set(r->e, ERR_UNSUPPORTED, "encrypted entry '%.*s' in '%s'", (int)name_size, x->name, r->name);
	if (method != 0 || packed != size)
		return err_set(r->e, ERR_UNSUPPORTED,
		               "compressed entry '%.*s' in '%s': torch.save stores its entries as they are", (int)name_size,
		               x->name, r->name);
	x->size = (size_t)size;
	*offset += record;
	return locate(r, x, local);
}

static int compare_entries(const void *a, const void *b)
{
	const struct zip_entry *x = a, *y = b;
	size_t shorter = x->name_size < y->name_size ? x->name_size : y->name_size;
	int order = memcmp(x->name, y->name, shorter);
	return order ? order : (x->name_size > y->name_size) - (x->name_size < y->name_size);
}

static int read_entries(const struct reader *r, struct zip *z, const struct directory *d)
{
	uint64_t offset = d->offset;
	for (uint64_t i = 0; i < d->count; i++) {
		int code = read_entry(r, &offset, d->offset + d->size, &z->entries[i]);
		if (code)
			return code;
	}
	qsort(z->entries, (size_t)z->count, sizeof *z->entries, compare_entries);
	for (int i = 1; i < z->count; i++)
		if (!compare_entries(&z->entries[i - 1], &z->entries[i]))
			return err_set(r->e, ERR_FORMAT, "entry '%.*s' occurs twice in '%s'", (int)z->entries[i].name_size,
			               z->entries[i].name, r->name);
	return 0;
}

int zip_open(struct zip *z, const unsigned char *data, size_t size, const char *name, struct err *e)
{
	struct reader r = {data, size, name, e};
	struct directory d;
	*z = (struct zip){NULL, 0};
	int code = read_end(&r, &d);
	if (code)
		return code;
	if (!is_inside(&r, d.offset, d.size))
		return damaged(&r, "the directory runs past the end of the file");
	if (d.count > ENTRIES_MAX || d.count > d.size / CENTRAL_SIZE)
		return damaged(&r, "the directory has more entries than bytes for them");
	z->count = (int)d.count;
	z->entries = calloc((size_t)d.count + 1, sizeof *z->entries);
	code =
		z->entries ? read_entries(&r, z, &d) : err_set(e, ERR_MEMORY, "out of memory for the directory of '%s'", name);
	if (code)
		zip_close(z);
	return code;
}

void zip_close(struct zip *z)
{
	free(z->entries);
	*z = (struct zip){NULL, 0};
}

struct zip_entry *zip_find(const struct zip *z, const char *name)
{
	struct zip_entry key = {.name = name, .name_size = strlen(name)};
	return z->count ? bsearch(&key, z->entries, (size_t)z->count, sizeof key, compare_entries) : NULL;
}

int zip_entry_is_whole(struct zip_entry *x)
{
	if (x->crc && crc32_z(0, x->data, x->size) != x->crc)
		return 0;
	x->crc = 0; /* many tensors may share a storage: once is enough */
	return 1;
}
