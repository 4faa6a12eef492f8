/* Rows of arbitrary bytes, the first of which says the format: refused with a sentence that names the line, or fields that
 * are whole UTF-8. */
#include "../../eval/table.h"

#include "../../engine/base/err.h"
#include "../../engine/base/utf8.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int holds)
{
	if (!holds)
		abort();
}

static void read_rows(struct table *t, struct err *e)
{
	int more = 1, code = 0, last = 0;
	expect(t->format != TABLE_JSONL || table_column(t, "text", e) == 0);
	while (!code && more) {
		code = table_next(t, &more, e);
		expect(!code == !e->text[0]);
		if (code || !more)
			break;
		expect(t->line > last);
		last = t->line;
		for (int i = 0; i < t->columns; i++)
			expect(utf8_span(t->field[i].bytes, t->field[i].size) == t->field[i].size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct texts texts = {0};
	struct table t;
	if (!size)
		return 0;
	const char *bytes = (const char *)data + 1;
	size_t length = utf8_span(bytes, size - 1);
	if (table_open(&t, (enum table_format)(data[0] % 3), "x", bytes, length, data[0] & 4 ? "a,b" : NULL, &texts, &e))
		expect(e.text[0]);
	else
		read_rows(&t, &e);
	texts_free(&texts);
	return 0;
}
