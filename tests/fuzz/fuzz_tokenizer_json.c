/* A tokenizer.json of arbitrary bytes: refused with a sentence, or a tokenizer that finds its pieces and encodes. */
#include "../../engine/tokenizer.h"

#include "../../engine/base/err.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct encoding x;
	struct err e = {0};
	struct tokenizer *t;
	if (tokenizer_parse(&t, (const char *)data, size, NULL, "x", &e)) {
		expect(e.text[0] && !t);
		return 0;
	}
	for (int id = 0; id < tokenizer_size(t); id++) {
		const char *piece = tokenizer_piece(t, id);
		expect(piece && *piece && tokenizer_find(t, piece) == id);
		expect(!tokenizer_encode(t, piece, strlen(piece), piece, strlen(piece), 0, &x, &e));
		expect(x.n >= 3);
	}
	tokenizer_close(t);
	return 0;
}
