/* A zip archive in memory: its directory, and stored (uncompressed) entries, which is all that torch.save writes. */
#ifndef ADAPLER_ZIP_H
#define ADAPLER_ZIP_H

#include <stddef.h>
#include <stdint.h>

struct err;

struct zip_entry {
	const char *name; /* not NUL-terminated */
	size_t name_size;
	const unsigned char *data; /* borrowed from the archive */
	size_t size;
	uint32_t crc;
};

struct zip {
	struct zip_entry *entries;
	int count;
};

/* Reads the directory and checks every entry's place: stored, whole, within `size` bytes. `name` is for errors. */
int zip_open(struct zip *z, const unsigned char *data, size_t size, const char *name, struct err *e);
void zip_close(struct zip *z);
/* NULL: absent. */
struct zip_entry *zip_find(const struct zip *z, const char *name);
/* The entry's bytes have the checksum that the archive states (0 there: none was made). Computed once an entry. */
int zip_entry_is_whole(struct zip_entry *x);

#endif
