/* Arbitrary bytes as a text or a pair, under every switch of the normaliser: the encoding must be well-formed, and the
 * fast path for ASCII must agree with the careful one, in pieces and in words. */
#include "../../engine/tokenizer.h"

#include "../../engine/base/err.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char model[] =
	"{\"added_tokens\":[{\"id\":1,\"content\":\"[SEP]\",\"special\":true},{\"id\":20,\"content\":\"b[\",\"special\":"
	"true}],"
	"\"normalizer\":{\"type\":\"BertNormalizer\"},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
	"\"post_processor\":{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",1],\"cls\":[\"[CLS]\",2]},"
	"\"model\":{\"type\":\"WordPiece\",\"max_input_chars_per_word\":9,\"vocab\":{\"[UNK]\":0,\"[SEP]\":1,\"[CLS]\":2,"
	"\"a\":3,\"b\":4,\"ab\":5,\"##a\":6,\"##b\":7,\"##ab\":8,\"##\\u0301\":9,\"\\u0301\":10,\".\":11,\"[\":12,\"i\":13,"
	"\"##\\ud834\\udd65\":14,\"\\u65e5\":15,\"##\\u65e5\":16,\"aaaaaaaaa\":17,\"##i\":18,\"A\":19}}}";

enum { SWITCHES = 16 };

/* Two tokenizers for each set of switches: as they are, and with nothing left to the fast path. */
static struct tokenizer *tokenizer_of(int switches, int is_careful)
{
	static struct tokenizer *made[SWITCHES][2];
	struct tokenizer **t = &made[switches][is_careful];
	if (*t)
		return *t;
	struct cleaning given = {-1, switches >> 1 & 1, switches >> 2 & 1, switches >> 3 & 1};
	if (tokenizer_parse(t, model, sizeof model - 1, &given, "x", NULL))
		abort();
	(*t)->cleaning.clean = switches & 1;
	tokenizer_prepare(*t);
	for (int byte = 0; byte < 128 && is_careful; byte++)
		(*t)->kind[byte] = BYTE_RARE;
	return *t;
}

static void expect(int holds)
{
	if (!holds)
		abort();
}

static void check(const struct tokenizer *t, const struct encoding *x, const int sizes[2], int max_length)
{
	int which = 0, word = -1, begin = 0;
	expect(x->n >= 2 && x->n <= x->capacity && (!max_length || x->n <= max_length));
	expect(x->ids[0] == t->cls && x->ids[x->n - 1] == t->sep);
	for (int i = 0; i < x->n; i++) {
		if (x->type_ids[i] != which) {
			expect(which == 0 && x->word_ids[i - 1] < 0);
			which = 1;
			word = -1;
			begin = 0;
		}
		expect(x->ids[i] >= 0 && x->ids[i] < tokenizer_size(t));
		if (x->word_ids[i] < 0) {
			expect(x->offsets[i][0] == 0 && x->offsets[i][1] == 0);
			continue;
		}
		expect(x->word_ids[i] == word || x->word_ids[i] == word + 1);
		expect(x->offsets[i][0] >= begin && x->offsets[i][0] < x->offsets[i][1] && x->offsets[i][1] <= sizes[which]);
		word = x->word_ids[i];
		begin = x->offsets[i][0];
	}
}

static int is_same(const struct encoding *x, const struct encoding *y)
{
	size_t bytes = (size_t)x->n * sizeof *x->ids;
	return x->n == y->n && !memcmp(x->ids, y->ids, bytes) && !memcmp(x->word_ids, y->word_ids, bytes) &&
	       !memcmp(x->type_ids, y->type_ids, bytes) && !memcmp(x->offsets, y->offsets, 2 * bytes) &&
	       x->truncated == y->truncated && x->replaced == y->replaced;
}

/* The words of a text, each ended by a NUL. */
struct words {
	unsigned char *bytes;
	size_t size;
};

static void take_word(void *arg, const unsigned char *word, int size)
{
	struct words *x = arg;
	expect(size > 0);
	x->bytes = realloc(x->bytes, x->size + (size_t)size + 1);
	expect(x->bytes != NULL);
	memcpy(x->bytes + x->size, word, (size_t)size);
	x->size += (size_t)size + 1;
	x->bytes[x->size - 1] = 0;
}

/* Both ways give the same words, and no more of them than encoding finds. */
static void check_words(const struct tokenizer *t, const struct tokenizer *careful, const char *text, size_t size)
{
	static struct encoding x;
	struct words a = {0}, b = {0};
	struct word_walk walk = {.take = take_word, .arg = &a}, slow = {.take = take_word, .arg = &b};
	expect(!tokenizer_words(t, text, size, &walk, NULL) && !tokenizer_words(careful, text, size, &slow, NULL));
	expect(walk.words == slow.words && walk.too_long == slow.too_long && walk.replaced == slow.replaced);
	expect(a.size == b.size && (!a.size || !memcmp(a.bytes, b.bytes, a.size)));
	expect(!tokenizer_encode(t, text, size, NULL, 0, 0, &x, NULL));
	int last = x.n > 2 ? x.word_ids[x.n - 2] : -1;
	expect(walk.words + walk.too_long <= last + 1 && walk.replaced == x.replaced);
	free(a.bytes);
	free(b.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct encoding x, y;
	if (size < 2)
		return 0;
	int switches = data[0] % SWITCHES, is_pair = data[0] >> 4 & 1, max_length = data[1] % 32;
	const char *text = (const char *)data + 2;
	int left = (int)size - 2, sizes[2] = {is_pair ? left / 2 : left, is_pair ? left - left / 2 : 0};
	const char *pair = is_pair ? text + sizes[0] : NULL;
	struct err e = {0};
	const struct tokenizer *t = tokenizer_of(switches, 0), *careful = tokenizer_of(switches, 1);
	int code = tokenizer_encode(t, text, (size_t)sizes[0], pair, (size_t)sizes[1], max_length, &x, &e);
	expect(code == (max_length && max_length < 2 + is_pair ? ERR_LIMIT : 0));
	if (code)
		return 0;
	check(t, &x, sizes, max_length);
	check_words(t, careful, text, (size_t)sizes[0]);
	expect(!tokenizer_encode(careful, text, (size_t)sizes[0], pair, (size_t)sizes[1], max_length, &y, &e));
	expect(is_same(&x, &y));
	return 0;
}
