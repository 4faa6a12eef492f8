/* A config.json of arbitrary bytes; what is accepted must have sizes that fit together, and survive writing. */
#include "../../engine/config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct config c;
	if (config_parse(&c, (const char *)data, size, "x", &e)) {
		if (!e.text[0] || c.labels)
			abort();
		return 0;
	}
	if (c.A < 1 || c.D < 1 || c.A * c.D != c.H || c.C < 1 || !c.labels || c.pad_id >= c.V || c.K < 0 || c.L < 1)
		abort();
	for (int i = 0; i < c.C; i++)
		if (!memchr(c.labels[i], 0, LABEL_SIZE))
			abort();
	config_free(&c);
	return 0;
}
