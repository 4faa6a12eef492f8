/* Reading a tokenizer's files. What would make encoding differ from what tokenizer.c does is refused by name, so that a
 * file of another kind is an error and never a quiet difference. */
#include "tokenizer.h"

#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "unicode.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 4096 };

/* ---- from the pieces to a tokenizer ---- */

static int has_added(const struct tokenizer *t, int id)
{
	for (int i = 0; i < t->added_count; i++)
		if (t->added[i].id == id)
			return 1;
	return 0;
}

static int insert_added(struct tokenizer *t, int id, const char *name, struct err *e)
{
	struct added *grown = realloc(t->added, ((size_t)t->added_count + 1) * sizeof *grown);
	if (!grown)
		return err_set(e, ERR_MEMORY, "out of memory for the added tokens of '%s'", name);
	t->added = grown;
	const char *content = vocab_piece(&t->vocab, id);
	int size = (int)strlen(content), i = t->added_count++;
	for (; i > 0 && grown[i - 1].size < size; i--)
		grown[i] = grown[i - 1];
	grown[i] = (struct added){content, size, id};
	return 0;
}

static int find_special(const struct tokenizer *t, const char *piece, int *id, const char *name, struct err *e)
{
	*id = tokenizer_find(t, piece);
	return *id >= 0 ? 0 : err_set(e, ERR_FORMAT, "the vocabulary of '%s' lacks the piece '%s'", name, piece);
}

static int byte_kind(const struct cleaning *c, int byte)
{
	int flags = rune_find((uint32_t)byte)->flags;
	/* NUL is kept from the fast path, whose keys end with zeros. */
	if (byte == 0 || (c->clean && flags & RUNE_DROP))
		return BYTE_RARE;
	return flags & RUNE_SPACE ? BYTE_SPACE : flags & RUNE_PUNCT ? BYTE_PUNCT : BYTE_WORD;
}

void tokenizer_prepare(struct tokenizer *t)
{
	for (int byte = 0; byte < 128; byte++) {
		int lower = byte + (t->cleaning.lower ? rune_find((uint32_t)byte)->lower : 0);
		t->lower[byte] = (unsigned char)lower;
		t->kind[byte] = (unsigned char)byte_kind(&t->cleaning, byte);
		int id = byte ? vocab_find_word(&t->vocab, (uint64_t)lower, 0) : VOCAB_NONE;
		t->single[byte] = id == VOCAB_NONE ? t->unk : id;
	}
	t->added_first = -1;
	for (int i = 0; i < t->added_count; i++)
		t->is_added[(unsigned char)t->added[i].content[0]] = 1;
	int firsts = 0;
	for (int byte = 0; byte < 256; byte++)
		if (t->is_added[byte] && firsts++ == 0)
			t->added_first = byte;
	if (firsts > 1)
		t->added_first = -1;
}

/* ---- tokenizer_config.json ---- */

static int read_switch(const cJSON *object, const char *field, int *value, const char *name, struct err *e)
{
	int given = *value;
	int code = json_get_bool(object, field, &given, name, e);
	if (!code)
		*value = given;
	return code;
}

/* `strip` stays -1 where the file says nothing or null: it then follows `lower`. */
static int read_config(struct cleaning *c, const char *path, struct err *e)
{
	*c = (struct cleaning){-1, -1, -1, -1};
	if (!file_exists(path))
		return 0;
	cJSON *config = json_parse_file(path, e);
	if (!config)
		return err_set(e, ERR_FORMAT, "cannot read '%s'", path);
	int code = cJSON_IsObject(config) ? 0 : err_set(e, ERR_FORMAT, "expected an object in '%s'", path);
	if (!code)
		code = read_switch(config, "do_lower_case", &c->lower, path, e);
	if (!code)
		code = read_switch(config, "strip_accents", &c->strip, path, e);
	if (!code)
		code = read_switch(config, "tokenize_chinese_chars", &c->cjk, path, e);
	cJSON_Delete(config);
	return code;
}

static void override_cleaning(struct cleaning *c, const struct cleaning *given)
{
	if (given && given->lower >= 0)
		c->lower = given->lower;
	if (given && given->strip >= 0)
		c->strip = given->strip;
	if (given && given->cjk >= 0)
		c->cjk = given->cjk;
	if (c->strip < 0)
		c->strip = c->lower;
}

/* ---- vocab.txt: one piece a line, the id is the number of the line, from 0 ---- */

static int count_lines(const char *text, size_t size)
{
	size_t count = size && text[size - 1] != '\n';
	for (size_t i = 0; i < size; i++)
		count += text[i] == '\n';
	return count < VOCAB_MAX ? (int)count : VOCAB_MAX;
}

/* Cuts `text` into lines in place; the byte after it is a NUL. */
static int cut_lines(const char **lines, int count, char *text, size_t size, const char *name, struct err *e)
{
	char *at = text, *end = text + size;
	for (int i = 0; i < count; i++) {
		char *stop = memchr(at, '\n', (size_t)(end - at));
		if (!stop)
			stop = end;
		char *cut = stop > at && stop[-1] == '\r' ? stop - 1 : stop;
		*cut = 0;
		if (cut == at)
			return err_set(e, ERR_FORMAT, "expected a piece, found an empty line in '%s' line %d", name, i + 1);
		if (strlen(at) != (size_t)(cut - at))
			return err_set(e, ERR_FORMAT, "a NUL byte in '%s' line %d", name, i + 1);
		lines[i] = at;
		at = stop + 1;
	}
	return 0;
}

/* [PAD] and [MASK] may be missing; they are then ordinary text. */
static int finish_vocab_txt(struct tokenizer *t, const char *name, struct err *e)
{
	int code = find_special(t, "[UNK]", &t->unk, name, e);
	if (!code)
		code = find_special(t, "[CLS]", &t->cls, name, e);
	if (!code)
		code = find_special(t, "[SEP]", &t->sep, name, e);
	for (int i = 0; !code && i < VOCAB_SPECIALS; i++) {
		int id = tokenizer_find(t, vocab_specials[i]);
		if (id >= 0)
			code = insert_added(t, id, name, e);
	}
	return code;
}

static int build_vocab_txt(struct tokenizer *t, char *text, size_t size, const char *name, struct err *e)
{
	int count = count_lines(text, size);
	if (!count)
		return err_set(e, ERR_FORMAT, "'%s' is empty", name);
	if (count == VOCAB_MAX)
		return err_set(e, ERR_LIMIT, "'%s' has more than %d lines", name, VOCAB_MAX - 1);
	const char **lines = malloc((size_t)count * sizeof *lines);
	if (!lines)
		return err_set(e, ERR_MEMORY, "out of memory for '%s'", name);
	int code = cut_lines(lines, count, text, size, name, e);
	if (!code)
		code = vocab_open(&t->vocab, lines, count, count, name, e);
	if (!code)
		code = finish_vocab_txt(t, name, e);
	free(lines);
	return code;
}

int tokenizer_parse_vocab(struct tokenizer **out, char *text, size_t size, const struct cleaning *given,
                          const char *name, struct err *e)
{
	*out = NULL;
	struct tokenizer *t = calloc(1, sizeof *t);
	int code = t ? build_vocab_txt(t, text, size, name, e) : err_set(e, ERR_MEMORY, "out of memory for '%s'", name);
	if (code) {
		tokenizer_close(t);
		return code;
	}
	t->cleaning = (struct cleaning){.clean = 1, .cjk = 1, .strip = -1, .lower = 1};
	t->word_max = WORD_DEFAULT;
	override_cleaning(&t->cleaning, given);
	tokenizer_prepare(t);
	*out = t;
	return 0;
}

static int open_vocab_txt(struct tokenizer **out, const char *path, const struct cleaning *given, struct err *e)
{
	char *text;
	size_t size;
	int code = file_read(&text, &size, path, INT_MAX, e);
	if (code)
		return code;
	code = tokenizer_parse_vocab(out, text, size, given, path, e);
	free(text);
	return code;
}

/* ---- tokenizer.json ---- */

static int is_text(const cJSON *item, const char *text)
{
	return cJSON_IsString(item) && !strcmp(item->valuestring, text);
}

static const cJSON *field(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static int unsupported(const char *what, const char *wanted, const char *name, struct err *e)
{
	return err_set(e, ERR_UNSUPPORTED, "field '%s' of '%s' must be %s", what, name, wanted);
}

/* An object whose type is `type`. */
static int expect_type(const cJSON *item, const char *what, const char *type, const char *name, struct err *e)
{
	const cJSON *found = field(item, "type");
	if (is_text(found, type))
		return 0;
	return err_set(e, ERR_UNSUPPORTED, "field '%s' of '%s' must have the type '%s', found '%s'", what, name, type,
	               cJSON_IsString(found) ? found->valuestring : "none");
}

static int read_normalizer(struct cleaning *c, const cJSON *root, const char *name, struct err *e)
{
	const cJSON *item = field(root, "normalizer");
	*c = (struct cleaning){.clean = 1, .cjk = 1, .strip = -1, .lower = 1};
	int code = expect_type(item, "normalizer", "BertNormalizer", name, e);
	if (!code)
		code = read_switch(item, "clean_text", &c->clean, name, e);
	if (!code)
		code = read_switch(item, "handle_chinese_chars", &c->cjk, name, e);
	if (!code)
		code = read_switch(item, "strip_accents", &c->strip, name, e);
	if (!code)
		code = read_switch(item, "lowercase", &c->lower, name, e);
	return code;
}

/* pieces[id] for every entry of the vocabulary; as many entries as ids, so without doubles there are no holes. */
static int read_pieces(const char **pieces, int count, const cJSON *vocab, const char *name, struct err *e)
{
	for (const cJSON *item = vocab->child; item; item = item->next) {
		double id = item->valuedouble;
		if (!cJSON_IsNumber(item) || !(id >= 0) || id != floor(id))
			return err_set(e, ERR_FORMAT, "the id of piece '%s' in '%s' must be an integer from 0", item->string, name);
		if (id >= count)
			return err_set(e, ERR_FORMAT, "id %.0f of piece '%s' in '%s' leaves a hole: there are %d pieces", id,
			               item->string, name, count);
		if (pieces[(int)id])
			return err_set(e, ERR_FORMAT, "id %.0f in '%s' has two pieces, '%s' and '%s'", id, name, pieces[(int)id],
			               item->string);
		pieces[(int)id] = item->string;
	}
	return 0;
}

/* One entry of added_tokens: a special is looked for in the raw text; the other kinds are not offered. */
static int check_added(const cJSON *item, const char **content, long long *id, const char *name, struct err *e)
{
	int single_word = 0, lstrip = 0, rstrip = 0, special = 0, code = 0;
	*content = NULL;
	*id = -1;
	if (!cJSON_IsObject(item))
		return err_set(e, ERR_FORMAT, "field 'added_tokens' of '%s' must hold objects", name);
	if ((code = json_get_string(item, "content", content, name, e)) ||
	    (code = json_get_int(item, "id", id, 0, VOCAB_MAX - 1, name, e)) ||
	    (code = json_get_bool(item, "special", &special, name, e)))
		return code;
	int normalized = !special;
	if ((code = json_get_bool(item, "normalized", &normalized, name, e)) ||
	    (code = json_get_bool(item, "single_word", &single_word, name, e)) ||
	    (code = json_get_bool(item, "lstrip", &lstrip, name, e)) ||
	    (code = json_get_bool(item, "rstrip", &rstrip, name, e)))
		return code;
	if (!*content || !**content || *id < 0)
		return err_set(e, ERR_FORMAT, "an entry of 'added_tokens' in '%s' lacks its content or id", name);
	if (normalized || single_word || lstrip || rstrip)
		return err_set(e, ERR_UNSUPPORTED,
		               "added token '%s' of '%s' must not be normalized, single_word, lstrip or rstrip", *content,
		               name);
	return 0;
}

/* Added tokens outside the vocabulary take the ids that follow it, in order. pieces[] has room for them. */
static int append_added(const char **pieces, int size, int *total, const cJSON *added, const char *name, struct err *e)
{
	*total = size;
	for (const cJSON *item = added ? added->child : NULL; item; item = item->next) {
		const char *content;
		long long id;
		int code = check_added(item, &content, &id, name, e);
		if (code)
			return code;
		if (id == *total)
			pieces[(*total)++] = content;
		else if (id > *total || strcmp(pieces[id], content) != 0)
			return err_set(e, ERR_FORMAT, "id %lld of the added token '%s' in '%s' is not its id in the vocabulary", id,
			               content, name);
	}
	return 0;
}

static int insert_all_added(struct tokenizer *t, const cJSON *added, const char *name, struct err *e)
{
	int code = 0;
	for (const cJSON *item = added ? added->child : NULL; item && !code; item = item->next) {
		int id = field(item, "id")->valueint, known = tokenizer_find(t, field(item, "content")->valuestring);
		if (known >= 0 && known != id)
			return err_set(e, ERR_FORMAT, "added token '%s' of '%s' has two ids, %d and %d", vocab_piece(&t->vocab, id),
			               name, known, id);
		if (!has_added(t, id))
			code = insert_added(t, id, name, e);
	}
	return code;
}

static int read_vocab(struct tokenizer *t, const cJSON *model, const cJSON *added, const char *name, struct err *e)
{
	const cJSON *vocab = field(model, "vocab");
	if (!cJSON_IsObject(vocab) || !vocab->child)
		return unsupported("model.vocab", "an object of pieces and ids", name, e);
	if (added && !cJSON_IsNull(added) && !cJSON_IsArray(added))
		return unsupported("added_tokens", "a list", name, e);
	int size = cJSON_GetArraySize(vocab), total = size, more = added ? cJSON_GetArraySize(added) : 0;
	const char **pieces = calloc((size_t)size + (size_t)more, sizeof *pieces);
	if (!pieces)
		return err_set(e, ERR_MEMORY, "out of memory for '%s'", name);
	int code = read_pieces(pieces, size, vocab, name, e);
	if (!code)
		code = append_added(pieces, size, &total, added, name, e);
	if (!code)
		code = vocab_open(&t->vocab, pieces, total, size, name, e);
	if (!code)
		code = insert_all_added(t, added, name, e);
	free(pieces);
	return code;
}

static int read_model(struct tokenizer *t, const cJSON *root, const char *name, struct err *e)
{
	const cJSON *model = field(root, "model");
	const char *unk = "[UNK]", *prefix = "##";
	long long word_max = WORD_DEFAULT;
	int code = cJSON_IsObject(model) ? 0 : unsupported("model", "an object", name, e);
	if (!code && field(model, "type")) /* old files leave the type out */
		code = expect_type(model, "model", "WordPiece", name, e);
	if (!code)
		code = json_get_string(model, "unk_token", &unk, name, e);
	if (!code)
		code = json_get_string(model, "continuing_subword_prefix", &prefix, name, e);
	if (!code && strcmp(prefix, "##") != 0)
		code = unsupported("model.continuing_subword_prefix", "'##'", name, e);
	if (!code)
		code = json_get_int(model, "max_input_chars_per_word", &word_max, 1, WORD_MAX, name, e);
	if (!code)
		code = read_vocab(t, model, field(root, "added_tokens"), name, e);
	t->word_max = (int)word_max;
	return code ? code : find_special(t, unk, &t->unk, name, e);
}

/* One step of a template: {kind: {"id": id, "type_id": type}}. Returns the id when kind and type are right. */
static const char *template_step(const cJSON *step, const char *kind, int type)
{
	const cJSON *inner = field(step, kind), *id = field(inner, "id"), *type_id = field(inner, "type_id");
	return cJSON_IsString(id) && cJSON_IsNumber(type_id) && type_id->valueint == type ? id->valuestring : NULL;
}

/* The template must be [CLS] A [SEP], and B [SEP] of type 1 behind it for a pair. */
static int is_template(const cJSON *steps, const char *cls, const char *sep, int is_pair)
{
	const struct {
		const char *kind, *id;
		int type;
	} wanted[] = {{"SpecialToken", cls, 0},
	              {"Sequence", "A", 0},
	              {"SpecialToken", sep, 0},
	              {"Sequence", "B", 1},
	              {"SpecialToken", sep, 1}};
	int count = is_pair ? 5 : 3;
	if (!cJSON_IsArray(steps) || cJSON_GetArraySize(steps) != count)
		return 0;
	const cJSON *step = steps->child;
	for (int i = 0; i < count; i++, step = step->next) {
		const char *id = template_step(step, wanted[i].kind, wanted[i].type);
		if (!id || strcmp(id, wanted[i].id) != 0)
			return 0;
	}
	return 1;
}

/* The id that a template gives a special piece, which must be the vocabulary's. */
static int check_template_id(const cJSON *tokens, const char *piece, int id, const char *name, struct err *e)
{
	const cJSON *ids = field(field(tokens, piece), "ids");
	if (!cJSON_IsArray(ids) || cJSON_GetArraySize(ids) != 1 || !cJSON_IsNumber(ids->child) ||
	    ids->child->valueint != id)
		return err_set(e, ERR_MISMATCH, "post_processor of '%s' gives '%s' another id than the vocabulary's %d", name,
		               piece, id);
	return 0;
}

static int read_template(struct tokenizer *t, const cJSON *item, const char *name, struct err *e)
{
	const cJSON *single = field(item, "single"), *tokens = field(item, "special_tokens");
	const char *cls = cJSON_IsArray(single) ? template_step(single->child, "SpecialToken", 0) : NULL;
	const char *sep = cls ? template_step(cJSON_GetArrayItem(single, 2), "SpecialToken", 0) : NULL;
	if (!sep || !is_template(single, cls, sep, 0) || !is_template(field(item, "pair"), cls, sep, 1))
		return unsupported("post_processor", "[CLS] A [SEP], with B [SEP] of type 1 for pairs", name, e);
	int code = find_special(t, cls, &t->cls, name, e);
	if (!code)
		code = find_special(t, sep, &t->sep, name, e);
	if (!code)
		code = check_template_id(tokens, cls, t->cls, name, e);
	if (!code)
		code = check_template_id(tokens, sep, t->sep, name, e);
	return code;
}

/* BertProcessing: {"sep": ["[SEP]", 102], "cls": ["[CLS]", 101]}. */
static int read_bert_special(const struct tokenizer *t, const cJSON *item, const char *which, int *id, const char *name,
                             struct err *e)
{
	const cJSON *entry = field(item, which), *piece = cJSON_IsArray(entry) ? entry->child : NULL;
	if (!cJSON_IsString(piece) || !cJSON_IsNumber(piece->next))
		return err_set(e, ERR_FORMAT, "field '%s' of post_processor in '%s' must be [piece, id]", which, name);
	int code = find_special(t, piece->valuestring, id, name, e);
	if (!code && *id != piece->next->valueint)
		code = err_set(e, ERR_MISMATCH, "post_processor of '%s' gives '%s' another id than the vocabulary's %d", name,
		               piece->valuestring, *id);
	return code;
}

static int read_post_processor(struct tokenizer *t, const cJSON *root, const char *name, struct err *e)
{
	const cJSON *item = field(root, "post_processor");
	if (!is_text(field(item, "type"), "BertProcessing")) {
		int code = expect_type(item, "post_processor", "TemplateProcessing", name, e);
		return code ? code : read_template(t, item, name, e);
	}
	int code = read_bert_special(t, item, "cls", &t->cls, name, e);
	return code ? code : read_bert_special(t, item, "sep", &t->sep, name, e);
}

static int read_tokenizer(struct tokenizer *t, const cJSON *root, const struct cleaning *given, const char *name,
                          struct err *e)
{
	int code = cJSON_IsObject(root) ? 0 : err_set(e, ERR_FORMAT, "expected an object in '%s'", name);
	if (!code)
		code = read_normalizer(&t->cleaning, root, name, e);
	if (!code)
		code = expect_type(field(root, "pre_tokenizer"), "pre_tokenizer", "BertPreTokenizer", name, e);
	if (!code)
		code = read_model(t, root, name, e);
	if (!code)
		code = read_post_processor(t, root, name, e);
	if (code)
		return code;
	override_cleaning(&t->cleaning, given);
	tokenizer_prepare(t);
	return 0;
}

int tokenizer_parse(struct tokenizer **out, const char *json, size_t size, const struct cleaning *given,
                    const char *name, struct err *e)
{
	*out = NULL;
	cJSON *root = json_parse(json, size, name, e);
	if (!root)
		return err_set(e, ERR_FORMAT, "cannot read '%s'", name);
	struct tokenizer *t = calloc(1, sizeof *t);
	int code = t ? read_tokenizer(t, root, given, name, e) : err_set(e, ERR_MEMORY, "out of memory for '%s'", name);
	cJSON_Delete(root);
	if (code)
		tokenizer_close(t);
	else
		*out = t;
	return code;
}

static int open_json(struct tokenizer **out, const char *path, const struct cleaning *given, struct err *e)
{
	struct file_map m;
	int code = file_map_open(&m, path, e);
	if (code)
		return code;
	code = tokenizer_parse(out, (const char *)m.data, m.size, given, path, e);
	file_map_close(&m);
	return code;
}

/* ---- the public face ---- */

static int open_directory(struct tokenizer **out, const char *dir, struct err *e)
{
	char json[PATH_SIZE], text[PATH_SIZE], config[PATH_SIZE];
	struct cleaning given;
	int code = 0;
	if ((code = file_join(json, sizeof json, dir, "tokenizer.json", e)) ||
	    (code = file_join(text, sizeof text, dir, "vocab.txt", e)) ||
	    (code = file_join(config, sizeof config, dir, "tokenizer_config.json", e)) ||
	    (code = read_config(&given, config, e)))
		return code;
	if (file_exists(json))
		return open_json(out, json, &given, e);
	if (file_exists(text))
		return open_vocab_txt(out, text, &given, e);
	return err_set(e, ERR_IO, "neither tokenizer.json nor vocab.txt in '%s'", dir);
}

int tokenizer_open(struct tokenizer **t, const char *path, struct err *e)
{
	*t = NULL;
	return file_is_directory(path) ? open_directory(t, path, e) : open_vocab_txt(t, path, NULL, e);
}

void tokenizer_close(struct tokenizer *t)
{
	if (!t)
		return;
	vocab_close(&t->vocab);
	free(t->added);
	free(t);
}

int tokenizer_size(const struct tokenizer *t) { return t->vocab.size; }

const char *tokenizer_piece(const struct tokenizer *t, int id) { return vocab_piece(&t->vocab, id); }

int tokenizer_find(const struct tokenizer *t, const char *piece)
{
	/* Added pieces beyond the vocabulary are in no index, so that text never reaches them by WordPiece. */
	for (int i = 0; i < t->added_count; i++)
		if (!strcmp(t->added[i].content, piece))
			return t->added[i].id;
	return vocab_find(&t->vocab, piece);
}
