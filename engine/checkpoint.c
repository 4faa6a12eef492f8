/* safetensors: eight bytes of header length, a JSON header that gives each tensor's dtype, shape and byte range, then
 * the bytes. (Format: the description in the huggingface/safetensors repository.)
 *
 * A file is checked as a whole when it is opened: the ranges, sorted, must tile the data area exactly, so nothing can
 * overlap, reach past the end or hide between tensors. After that no reader needs to check a length again. */
#include "checkpoint.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "safetensors are read and written without swapping bytes");
_Static_assert(sizeof(size_t) >= 8, "sizes of tensors are 64-bit");

enum {
	HEADER_BYTES_MAX = 100 * 1000 * 1000, /* the limit of the reference reader */
	INDEX_BYTES_MAX = 64 << 20,
	TENSORS_MAX = 1 << 16,
	SHARDS_MAX = 1 << 10,
	DATA_ALIGNMENT = 64,
};

struct shard {
	struct file_map map;
	char path[4096];
};

struct checkpoint {
	char path[4096];
	struct shard *shards;
	int shard_count;
	struct tensor *tensors; /* sorted by name */
	int count;
};

/* ---- dtypes ---- */

/* Every dtype of the format. Those that the engine has no use for are DTYPE_OTHER, but their sizes are checked too. */
static const struct {
	const char *name;
	enum dtype dtype;
	int bits;
} dtypes[] = {
	{"F32", DTYPE_F32, 32},   {"F16", DTYPE_F16, 16},      {"BF16", DTYPE_BF16, 16},    {"F64", DTYPE_F64, 64},
	{"I64", DTYPE_I64, 64},   {"I32", DTYPE_OTHER, 32},    {"I16", DTYPE_OTHER, 16},    {"I8", DTYPE_OTHER, 8},
	{"U8", DTYPE_OTHER, 8},   {"BOOL", DTYPE_OTHER, 8},    {"U64", DTYPE_OTHER, 64},    {"U32", DTYPE_OTHER, 32},
	{"U16", DTYPE_OTHER, 16}, {"F8_E4M3", DTYPE_OTHER, 8}, {"F8_E5M2", DTYPE_OTHER, 8}, {"F8_E8M0", DTYPE_OTHER, 8},
	{"C64", DTYPE_OTHER, 64}, {"F4", DTYPE_OTHER, 4},      {"F6_E2M3", DTYPE_OTHER, 6}, {"F6_E3M2", DTYPE_OTHER, 6},
};
enum { DTYPES = sizeof dtypes / sizeof dtypes[0] };

const char *dtype_name(enum dtype d) { return d == DTYPE_OTHER ? "other" : dtypes[d].name; }
size_t dtype_bytes(enum dtype d) { return d == DTYPE_OTHER ? 0 : (size_t)dtypes[d].bits / 8; }
int dtype_is_float(enum dtype d) { return d == DTYPE_F32 || d == DTYPE_F16 || d == DTYPE_BF16 || d == DTYPE_F64; }

const char *shape_text(char *out, size_t size, const int64_t *shape, int rank)
{
	size_t used = (size_t)snprintf(out, size, "[");
	for (int i = 0; i < rank && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%lld", i ? "," : "", (long long)shape[i]);
	if (used < size)
		snprintf(out + used, size - used, "]");
	return out;
}

static uint32_t bits_of(float x)
{
	uint32_t u;
	memcpy(&u, &x, sizeof u);
	return u;
}

static float float_of(uint32_t u)
{
	float x;
	memcpy(&x, &u, sizeof x);
	return x;
}

/* The exponent is moved by a multiplication, which also normalises half's subnormals, exactly; half's infinities and
 * NaNs come out as 65536 and above and get float's exponent for them. */
static float float_from_half(uint16_t h)
{
	uint32_t u = bits_of(float_of((uint32_t)(h & 0x7fff) << 13) * 0x1p112f);
	u |= u >= 0x47800000 ? 0x7f800000 : 0;
	return float_of(u | (uint32_t)(h & 0x8000) << 16);
}

/* Below half's smallest normal the hardware rounds: 0.5 has half's subnormal spacing, 2^-24. */
static uint16_t half_from_float(float x)
{
	uint32_t u = bits_of(x), a = u & 0x7fffffff;
	uint16_t sign = (uint16_t)(u >> 16 & 0x8000);
	if (a > 0x7f800000)
		return (uint16_t)(sign | 0x7e00 | (a >> 13 & 0x3ff));
	if (a >= 0x477ff000) /* 65520 and above */
		return sign | 0x7c00;
	if (a < 0x38800000)
		return (uint16_t)(sign | (bits_of(float_of(a) + 0.5f) - 0x3f000000));
	return (uint16_t)(sign | ((a + 0xfff + (a >> 13 & 1) - 0x38000000) >> 13));
}

static uint16_t bfloat_from_float(float x)
{
	uint32_t u = bits_of(x);
	if ((u & 0x7fffffff) > 0x7f800000)
		return (uint16_t)(u >> 16 | 0x40);
	return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

void tensor_to_float(float *out, const struct tensor *t, int64_t first, int64_t count)
{
	const unsigned char *from = (const unsigned char *)t->data + (size_t)first * dtype_bytes(t->dtype);
	uint16_t narrow;
	double wide;
	if (t->dtype == DTYPE_F32 && count > 0)
		memcpy(out, from, (size_t)count * sizeof *out);
	for (int64_t i = 0; t->dtype == DTYPE_F16 && i < count; i++) {
		memcpy(&narrow, from + 2 * i, 2);
		out[i] = float_from_half(narrow);
	}
	for (int64_t i = 0; t->dtype == DTYPE_BF16 && i < count; i++) {
		memcpy(&narrow, from + 2 * i, 2);
		out[i] = float_of((uint32_t)narrow << 16);
	}
	for (int64_t i = 0; t->dtype == DTYPE_F64 && i < count; i++) {
		memcpy(&wide, from + 8 * i, 8);
		out[i] = (float)wide;
	}
}

void dtype_from_float(void *out, enum dtype d, const float *values, size_t count)
{
	uint16_t *narrow = out;
	double *wide = out;
	if (d == DTYPE_F32 && count)
		memcpy(out, values, count * sizeof *values);
	for (size_t i = 0; d == DTYPE_F16 && i < count; i++)
		narrow[i] = half_from_float(values[i]);
	for (size_t i = 0; d == DTYPE_BF16 && i < count; i++)
		narrow[i] = bfloat_from_float(values[i]);
	for (size_t i = 0; d == DTYPE_F64 && i < count; i++)
		wide[i] = values[i];
}

/* Blocks of fixed length, so that the compiler makes vector code of the inner loop: a model is hundreds of megabytes
 * and this must run as fast as memory does. */
int64_t find_not_finite(const float *values, int64_t count)
{
	enum { BLOCK = 1024 };
	int64_t i = 0;
	for (; i + BLOCK <= count; i += BLOCK) {
		uint32_t largest = 0, u[BLOCK];
		memcpy(u, values + i, sizeof u);
		for (int j = 0; j < BLOCK; j++) {
			uint32_t a = u[j] & 0x7fffffff;
			largest = a > largest ? a : largest;
		}
		if (largest >= 0x7f800000)
			break;
	}
	for (; i < count; i++)
		if ((bits_of(values[i]) & 0x7fffffff) >= 0x7f800000)
			return i;
	return -1;
}

/* ---- reading one file ---- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct tensor *)a)->name, ((const struct tensor *)b)->name);
}

/* By address; an empty tensor comes before the one that begins where it is. */
static int compare_places(const void *a, const void *b)
{
	const struct tensor *x = a, *y = b;
	if (x->data != y->data)
		return (const char *)x->data < (const char *)y->data ? -1 : 1;
	return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* JSON has only doubles here: whole numbers up to 2^53 are exact, and larger ones are no offsets in any real file. */
static int whole_number(const cJSON *item, int64_t *out)
{
	if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= 0x1p53) ||
	    item->valuedouble != floor(item->valuedouble))
		return 0;
	*out = (int64_t)item->valuedouble;
	return 1;
}

static int read_dtype(struct tensor *t, const cJSON *entry, int *bits, const char *path, struct err *e)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(entry, "dtype");
	if (!cJSON_IsString(item))
		return err_set(e, ERR_FORMAT, "tensor '%s' in '%s' has no dtype", t->name, path);
	for (int i = 0; i < DTYPES; i++)
		if (!strcmp(dtypes[i].name, item->valuestring)) {
			t->dtype = dtypes[i].dtype;
			*bits = dtypes[i].bits;
			return 0;
		}
	return err_set(e, ERR_FORMAT, "unknown dtype '%.40s' of tensor '%s' in '%s'", item->valuestring, t->name, path);
}

static int read_shape(struct tensor *t, const cJSON *entry, const char *path, struct err *e)
{
	const cJSON *shape = cJSON_GetObjectItemCaseSensitive(entry, "shape"), *item;
	if (!cJSON_IsArray(shape))
		return err_set(e, ERR_FORMAT, "tensor '%s' in '%s' has no shape", t->name, path);
	t->count = 1;
	cJSON_ArrayForEach(item, shape)
	{
		if (t->rank == TENSOR_RANK_MAX)
			return err_set(e, ERR_LIMIT, "tensor '%s' in '%s' has more than %d dimensions", t->name, path,
			               TENSOR_RANK_MAX);
		int64_t *size = &t->shape[t->rank++];
		if (!whole_number(item, size))
			return err_set(e, ERR_FORMAT, "shape of tensor '%s' in '%s' is not a list of sizes", t->name, path);
		if (__builtin_mul_overflow(t->count, *size, &t->count) || t->count > INT64_MAX / 64)
			return err_set(e, ERR_FORMAT, "shape of tensor '%s' in '%s' is too large for any file", t->name, path);
	}
	return 0;
}

static int read_range(struct tensor *t, const cJSON *entry, int bits, const struct file_map *map, size_t data_begin,
                      const char *path, struct err *e)
{
	const cJSON *range = cJSON_GetObjectItemCaseSensitive(entry, "data_offsets");
	int64_t begin, end, size = (int64_t)(map->size - data_begin);
	char shape[256];
	if (cJSON_GetArraySize(range) != 2 || !whole_number(cJSON_GetArrayItem(range, 0), &begin) ||
	    !whole_number(cJSON_GetArrayItem(range, 1), &end) || begin > end)
		return err_set(e, ERR_FORMAT, "data_offsets of tensor '%s' in '%s' are not [begin, end]", t->name, path);
	if (end > size)
		return err_set(e, ERR_FORMAT,
		               "tensor '%s' ends at byte %lld of the data of '%s', which has only %lld (truncated?)", t->name,
		               (long long)end, path, (long long)size);
	if (t->count * bits % 8 || t->count * bits / 8 != end - begin)
		return err_set(e, ERR_FORMAT, "tensor '%s' in '%s' has %lld bytes, but its shape %s and dtype make %lld",
		               t->name, path, (long long)(end - begin), shape_text(shape, sizeof shape, t->shape, t->rank),
		               (long long)(t->count * bits / 8));
	t->bytes = (size_t)(end - begin);
	t->data = map->data + data_begin + begin;
	return 0;
}

static int read_tensor(struct tensor *t, const cJSON *entry, const struct shard *s, size_t data_begin, struct err *e)
{
	int bits = 0;
	size_t length = strlen(entry->string);
	if (length == 0 || length >= TENSOR_NAME_SIZE)
		return err_set(e, ERR_FORMAT, "tensor name of %zu bytes in '%s', expected 1 to %d: '%.60s'", length, s->path,
		               TENSOR_NAME_SIZE - 1, entry->string);
	memcpy(t->name, entry->string, length + 1);
	if (!cJSON_IsObject(entry))
		return err_set(e, ERR_FORMAT, "expected an object for tensor '%s' in '%s'", t->name, s->path);
	int code = read_dtype(t, entry, &bits, s->path, e);
	if (!code)
		code = read_shape(t, entry, s->path, e);
	if (!code)
		code = read_range(t, entry, bits, &s->map, data_begin, s->path, e);
	return code;
}

static int check_metadata(const cJSON *metadata, const char *path, struct err *e)
{
	const cJSON *item;
	if (!cJSON_IsObject(metadata))
		return err_set(e, ERR_FORMAT, "'__metadata__' in '%s' must be an object of strings", path);
	cJSON_ArrayForEach(item, metadata)
	{
		if (!cJSON_IsString(item))
			return err_set(e, ERR_FORMAT, "'%.60s' of '__metadata__' in '%s' must be a string", item->string, path);
	}
	return 0;
}

/* The tensors, by place, must tile the data: each begins where the one before it ended, the last ends with the file. */
static int check_tiling(struct tensor *tensors, int count, const struct shard *s, size_t data_begin, struct err *e)
{
	const unsigned char *reached = s->map.data + data_begin, *end = s->map.data + s->map.size;
	qsort(tensors, (size_t)count, sizeof *tensors, compare_places);
	for (int i = 0; i < count; i++) {
		const unsigned char *begin = tensors[i].data;
		if (begin < reached)
			return err_set(e, ERR_FORMAT, "tensors '%s' and '%s' overlap in '%s'", tensors[i - 1].name, tensors[i].name,
			               s->path);
		if (begin > reached)
			return err_set(e, ERR_FORMAT, "%td bytes before tensor '%s' in '%s' belong to no tensor", begin - reached,
			               tensors[i].name, s->path);
		reached = begin + tensors[i].bytes;
	}
	if (reached != end)
		return err_set(e, ERR_FORMAT, "%td bytes at the end of '%s' belong to no tensor", end - reached, s->path);
	return 0;
}

static int check_names(struct tensor *tensors, int count, const char *path, struct err *e)
{
	if (count < 2)
		return 0;
	qsort(tensors, (size_t)count, sizeof *tensors, compare_names);
	for (int i = 1; i < count; i++)
		if (!compare_names(&tensors[i - 1], &tensors[i]))
			return err_set(e, ERR_FORMAT, "tensor '%s' occurs twice in '%s'", tensors[i].name, path);
	return 0;
}

/* Makes room for `more` tensors at the end of the list. */
static struct tensor *grow(struct checkpoint *c, int more, struct err *e)
{
	if (more > TENSORS_MAX - c->count) {
		err_set(e, ERR_LIMIT, "more than %d tensors in '%s'", TENSORS_MAX, c->path);
		return NULL;
	}
	struct tensor *all = realloc(c->tensors, (size_t)(c->count + more + 1) * sizeof *all);
	if (!all) {
		err_set(e, ERR_MEMORY, "out of memory for the tensors of '%s'", c->path);
		return NULL;
	}
	c->tensors = all;
	memset(all + c->count, 0, (size_t)more * sizeof *all);
	return all + c->count;
}

static int read_header(struct checkpoint *c, const struct shard *s, const cJSON *header, size_t data_begin,
                       struct err *e)
{
	const cJSON *entry;
	int code = 0, count = 0;
	if (!cJSON_IsObject(header))
		return err_set(e, ERR_FORMAT, "the header of '%s' is not a JSON object", s->path);
	struct tensor *tensors = grow(c, cJSON_GetArraySize(header), e);
	if (!tensors)
		return e && e->code ? e->code : ERR_MEMORY;
	cJSON_ArrayForEach(entry, header)
	{
		if (!strcmp(entry->string, "__metadata__"))
			code = check_metadata(entry, s->path, e);
		else
			code = read_tensor(&tensors[count++], entry, s, data_begin, e);
		if (code)
			return code;
	}
	code = check_tiling(tensors, count, s, data_begin, e);
	c->count += count;
	return code;
}

static int read_shard(struct checkpoint *c, struct shard *s, struct err *e)
{
	char name[sizeof s->path + 16];
	uint64_t length;
	int code = file_map_open(&s->map, s->path, e);
	if (code)
		return code;
	if (s->map.size < sizeof length)
		return err_set(e, ERR_FORMAT, "'%s' has %zu bytes: too short for a safetensors file", s->path, s->map.size);
	memcpy(&length, s->map.data, sizeof length);
	if (length > HEADER_BYTES_MAX || length > s->map.size - sizeof length)
		return err_set(e, ERR_FORMAT, "header length %llu in '%s' is larger than %s (not safetensors, or truncated)",
		               (unsigned long long)length, s->path, length > HEADER_BYTES_MAX ? "100 MB" : "the file");
	snprintf(name, sizeof name, "header of %s", s->path);
	cJSON *header = json_parse((const char *)s->map.data + sizeof length, (size_t)length, name, e);
	if (!header)
		return e && e->code ? e->code : ERR_FORMAT;
	code = read_header(c, s, header, sizeof length + (size_t)length, e);
	cJSON_Delete(header);
	return code;
}

/* ---- one file or many ---- */

/* The shard of that name, opened if it is new. Names are plain, so an index cannot reach outside its own folder. */
static int find_shard(struct checkpoint *c, const char *dir, const char *file, int *index, struct err *e)
{
	char path[4096];
	if (!*file || strchr(file, '/') || file[0] == '.')
		return err_set(e, ERR_FORMAT, "shard '%.200s' in '%s' is not a plain file name", file, c->path);
	int code = file_join(path, sizeof path, dir, file, e);
	if (code)
		return code;
	for (*index = 0; *index < c->shard_count; ++*index)
		if (!strcmp(c->shards[*index].path, path))
			return 0;
	if (c->shard_count == SHARDS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d shards in '%s'", SHARDS_MAX, c->path);
	struct shard *all = realloc(c->shards, (size_t)(c->shard_count + 1) * sizeof *all);
	if (!all)
		return err_set(e, ERR_MEMORY, "out of memory for the shards of '%s'", c->path);
	c->shards = all;
	memset(&all[c->shard_count], 0, sizeof *all);
	memcpy(all[c->shard_count].path, path, sizeof path);
	return read_shard(c, &all[c->shard_count++], e);
}

static int is_inside(const struct tensor *t, const struct file_map *m)
{
	const unsigned char *at = t->data;
	return at >= m->data && at + t->bytes <= m->data + m->size;
}

static int open_shards(struct checkpoint *c, const cJSON *map, const char *dir, struct err *e)
{
	const cJSON *entry;
	int code = 0, shard, mapped = 0;
	if (!cJSON_IsObject(map))
		return err_set(e, ERR_FORMAT, "field 'weight_map' of '%s' must be an object", c->path);
	cJSON_ArrayForEach(entry, map)
	{
		if (!cJSON_IsString(entry))
			return err_set(e, ERR_FORMAT, "'%.200s' in '%s' must name a shard", entry->string, c->path);
		if ((code = find_shard(c, dir, entry->valuestring, &shard, e)))
			return code;
	}
	code = check_names(c->tensors, c->count, c->path, e);
	if (code)
		return code;
	cJSON_ArrayForEach(entry, map)
	{
		const struct tensor *t = checkpoint_find(c, entry->string);
		if (!t || find_shard(c, dir, entry->valuestring, &shard, e) || !is_inside(t, &c->shards[shard].map))
			return err_set(e, ERR_FORMAT, "tensor '%.200s' is not in shard '%.200s', where '%s' puts it", entry->string,
			               entry->valuestring, c->path);
		mapped++;
	}
	if (mapped != c->count)
		return err_set(e, ERR_FORMAT, "'%s' maps %d tensors, but its shards hold %d", c->path, mapped, c->count);
	return 0;
}

/* `out` has room for `path`. */
static void folder_of(char *out, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) + (slash == path) : 1;
	memcpy(out, slash ? path : ".", length);
	out[length] = '\0';
}

static int open_index(struct checkpoint *c, struct err *e)
{
	char dir[sizeof c->path], *text;
	size_t size;
	int code = file_read(&text, &size, c->path, INDEX_BYTES_MAX, e);
	if (code)
		return code;
	cJSON *json = json_parse(text, size, c->path, e);
	free(text);
	if (!json)
		return e && e->code ? e->code : ERR_FORMAT;
	folder_of(dir, c->path);
	code = open_shards(c, cJSON_GetObjectItemCaseSensitive(json, "weight_map"), dir, e);
	cJSON_Delete(json);
	return code;
}

static int open_single(struct checkpoint *c, struct err *e)
{
	c->shards = calloc(1, sizeof *c->shards);
	if (!c->shards)
		return err_set(e, ERR_MEMORY, "out of memory for '%s'", c->path);
	c->shard_count = 1;
	memcpy(c->shards[0].path, c->path, sizeof c->path);
	int code = read_shard(c, &c->shards[0], e);
	return code ? code : check_names(c->tensors, c->count, c->path, e);
}

/* The weights of a directory; where only another format is there, the sentence says what to do. */
static int locate(char *out, size_t size, const char *dir, struct err *e)
{
	static const char *const names[] = {"model.safetensors", "model.safetensors.index.json"};
	static const char *const others[] = {"pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5"};
	char path[4096];
	int code = 0;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if ((code = file_join(out, size, dir, names[i], e)) || file_exists(out))
			return code;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (!file_join(path, sizeof path, dir, others[i], NULL) && file_exists(path))
			return err_set(e, ERR_UNSUPPORTED,
			               "no model.safetensors in '%s', but %s: run 'adapler convert %s DST' first", dir, others[i],
			               dir);
	return err_set(e, ERR_IO, "no model.safetensors in '%s'", dir);
}

static int ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n >= m && !strcmp(text + n - m, end);
}

int checkpoint_open(struct checkpoint **out, const char *path, struct err *e)
{
	struct checkpoint *c = *out = NULL;
	int code = 0;
	if (!(c = calloc(1, sizeof *c)))
		return err_set(e, ERR_MEMORY, "out of memory for '%s'", path);
	if (file_is_directory(path))
		code = locate(c->path, sizeof c->path, path, e);
	else if (snprintf(c->path, sizeof c->path, "%s", path) >= (int)sizeof c->path)
		code = err_set(e, ERR_LIMIT, "path of %zu bytes is too long: '%.60s...'", strlen(path), path);
	if (!code)
		code = ends_with(c->path, ".json") ? open_index(c, e) : open_single(c, e);
	if (code)
		checkpoint_close(c);
	else
		*out = c;
	return code;
}

int checkpoint_adopt(struct checkpoint **out, const char *path, struct tensor *tensors, int count, struct err *e)
{
	struct checkpoint *c = *out = calloc(1, sizeof *c);
	if (!c) {
		free(tensors);
		return err_set(e, ERR_MEMORY, "out of memory for '%s'", path);
	}
	snprintf(c->path, sizeof c->path, "%s", path);
	c->tensors = tensors;
	c->count = count;
	int code = check_names(tensors, count, path, e);
	if (code) {
		checkpoint_close(c);
		*out = NULL;
	}
	return code;
}

void checkpoint_close(struct checkpoint *c)
{
	if (!c)
		return;
	for (int i = 0; i < c->shard_count; i++)
		file_map_close(&c->shards[i].map);
	free(c->shards);
	free(c->tensors);
	free(c);
}

int checkpoint_count(const struct checkpoint *c) { return c->count; }
const struct tensor *checkpoint_tensor(const struct checkpoint *c, int i) { return &c->tensors[i]; }
const char *checkpoint_path(const struct checkpoint *c) { return c->path; }
int checkpoint_file_count(const struct checkpoint *c) { return c->shard_count; }
const char *checkpoint_file(const struct checkpoint *c, int i) { return c->shards[i].path; }

static int compare_key(const void *key, const void *t) { return strcmp(key, ((const struct tensor *)t)->name); }

const struct tensor *checkpoint_find(const struct checkpoint *c, const char *name)
{
	return c->count ? bsearch(name, c->tensors, (size_t)c->count, sizeof *c->tensors, compare_key) : NULL;
}

void checkpoint_release_pages(const struct checkpoint *c)
{
	for (int i = 0; i < c->shard_count; i++)
		madvise((void *)(uintptr_t)c->shards[i].map.data, c->shards[i].map.size, MADV_DONTNEED);
}

enum dtype checkpoint_dtype(const struct checkpoint *c)
{
	size_t bytes[DTYPE_OTHER + 1] = {0};
	enum dtype best = DTYPE_F32;
	for (int i = 0; i < c->count; i++)
		bytes[c->tensors[i].dtype] += c->tensors[i].bytes;
	for (int d = 0; d <= DTYPE_OTHER; d++)
		if (bytes[d] > bytes[best])
			best = (enum dtype)d;
	return best;
}

/* ---- writing ---- */

static int64_t source_count(const struct tensor_source *t)
{
	int64_t count = 1;
	for (int i = 0; i < t->rank; i++)
		count *= t->shape[i];
	return count;
}

static void add_entry(struct buf *b, const struct tensor_source *t, int64_t *offset)
{
	char shape[256];
	int64_t end = *offset + source_count(t) * (int64_t)dtype_bytes(t->dtype);
	buf_add_json_string(b, t->name, strlen(t->name));
	buf_addf(b, ":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%lld,%lld]}", dtype_name(t->dtype),
	         shape_text(shape, sizeof shape, t->shape, t->rank), (long long)*offset, (long long)end);
	*offset = end;
}

/* The header is padded with spaces so that the data begins on a multiple of DATA_ALIGNMENT. "format": transformers
 * refuses files that do not say it. */
static void add_header(struct buf *b, const struct tensor_source *const *order, int count)
{
	int64_t offset = 0;
	uint64_t length = 0;
	buf_add(b, &length, sizeof length);
	buf_add_text(b, "{\"__metadata__\":{\"format\":\"pt\"}");
	for (int i = 0; i < count; i++) {
		buf_add_byte(b, ',');
		add_entry(b, order[i], &offset);
	}
	buf_add_byte(b, '}');
	while (b->size % DATA_ALIGNMENT && !b->failed)
		buf_add_byte(b, ' ');
	length = b->size - sizeof length;
	if (!b->failed)
		memcpy(b->data, &length, sizeof length);
}

static int write_floats(struct file_writer *w, const struct tensor_source *t, struct err *e)
{
	enum { BLOCK = 1 << 13 };
	double space[BLOCK]; /* as wide as the widest dtype */
	float back[BLOCK];
	int64_t count = source_count(t);
	struct tensor block = {.dtype = t->dtype, .data = space};
	for (int64_t i = 0; i < count; i += BLOCK) {
		int64_t n = count - i < BLOCK ? count - i : BLOCK;
		dtype_from_float(space, t->dtype, t->values + i, (size_t)n);
		tensor_to_float(back, &block, 0, n);
		int64_t bad = find_not_finite(back, n);
		if (bad >= 0)
			return err_set(e, ERR_LIMIT, "value %g at index %lld of tensor '%s' does not fit in %s",
			               (double)t->values[i + bad], (long long)(i + bad), t->name, dtype_name(t->dtype));
		int code = file_writer_write(w, space, (size_t)n * dtype_bytes(t->dtype), e);
		if (code)
			return code;
	}
	return 0;
}

static int write_tensors(struct file_writer *w, const struct tensor_source *const *order, int count, struct err *e)
{
	struct buf header = {0};
	add_header(&header, order, count);
	int code = buf_check(&header, e);
	if (!code)
		code = file_writer_write(w, header.data, header.size, e);
	buf_free(&header);
	for (int i = 0; i < count && !code; i++) {
		const struct tensor_source *t = order[i];
		size_t bytes = (size_t)source_count(t) * dtype_bytes(t->dtype);
		code = t->values ? write_floats(w, t, e) : file_writer_write(w, t->raw, bytes, e);
	}
	return code;
}

static int write_file(const char *path, const struct tensor_source *const *order, int count, struct err *e)
{
	struct file_writer w;
	int code = file_writer_open(&w, path, e);
	if (code)
		return code;
	code = write_tensors(&w, order, count, e);
	if (code)
		file_writer_abort(&w);
	else
		code = file_writer_commit(&w, e);
	return code;
}

int checkpoint_write(const char *path, const struct tensor_source *tensors, int count, struct err *e)
{
	int placed = 0;
	const struct tensor_source **order = malloc((size_t)(count + 1) * sizeof *order);
	if (!order)
		return err_set(e, ERR_MEMORY, "out of memory for the header of '%s'", path);
	for (size_t width = 8; width; width /= 2)
		for (int i = 0; i < count; i++)
			if (dtype_bytes(tensors[i].dtype) == width)
				order[placed++] = &tensors[i];
	int code = placed == count
	               ? write_file(path, order, count, e)
	               : err_set(e, ERR_UNSUPPORTED, "a tensor for '%s' has no dtype that can be written", path);
	free(order);
	return code;
}
