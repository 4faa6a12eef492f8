/* SHA-256 (FIPS 180-4). */
#ifndef ADAPLER_BASE_SHA256_H
#define ADAPLER_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct err;

struct sha256 {
	uint32_t state[8];
	uint64_t length_bytes;
	unsigned char block[64];
	int is_fast; /* by the processor's own instructions */
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *bytes, size_t size);
void sha256_end(struct sha256 *s, char hex[65]); /* lower-case hexadecimal, NUL-terminated */
int sha256_file(const char *path, char hex[65], struct err *e);

#endif
