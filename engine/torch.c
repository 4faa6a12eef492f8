/* Tensors that lie in one piece are views of the mapped file; those with other strides are gathered into memory, of
 * which there cannot be much in a real file, so it is limited to a small multiple of the file's size. */
#include "torch.h"

#include "base/file.h"
#include "base/json.h"
#include "pickle.h"
#include "zip.h"

#include <stdlib.h>
#include <string.h>

enum { SHARDS_MAX = 1 << 10, TENSORS_MAX = 1 << 16, ARCHIVE_NAME_SIZE = 512, GATHER_MAX = 4 };

struct shard {
	struct file_map map;
	struct zip zip;
	char path[4096];
};

struct torch_file {
	struct shard *shards;
	int shard_count;
	struct tensor *tensors;
	int count;
	void **gathered;
	int gathered_count;
	size_t gathered_bytes;
};

void torch_close(struct torch_file *f)
{
	if (!f)
		return;
	for (int i = 0; i < f->shard_count; i++) {
		zip_close(&f->shards[i].zip);
		file_map_close(&f->shards[i].map);
	}
	for (int i = 0; i < f->gathered_count; i++)
		free(f->gathered[i]);
	free(f->gathered);
	free(f->shards);
	free(f->tensors);
	free(f);
}

/* ---- one tensor ---- */

static int is_contiguous(const struct pickle_tensor *t)
{
	int64_t expected = 1;
	for (int i = t->rank - 1; i >= 0; i--) {
		if (t->shape[i] != 1 && t->stride[i] != expected)
			return 0;
		expected *= t->shape[i];
	}
	return 1;
}

/* Element by element in row-major order, the last index fastest. */
static void gather(unsigned char *out, const unsigned char *storage, const struct pickle_tensor *t, int64_t count)
{
	int64_t index[TENSOR_RANK_MAX] = {0}, at = t->offset;
	size_t width = (size_t)t->element_bytes;
	for (int64_t i = 0; i < count; i++) {
		memcpy(out + (size_t)i * width, storage + (size_t)at * width, width);
		for (int d = t->rank - 1; d >= 0; d--) {
			at += t->stride[d];
			if (++index[d] < t->shape[d])
				break;
			at -= t->shape[d] * t->stride[d];
			index[d] = 0;
		}
	}
}

static int add_gathered(struct torch_file *f, const struct shard *s, size_t bytes, void **out, struct err *e)
{
	if (bytes > s->map.size * GATHER_MAX || f->gathered_bytes > s->map.size * GATHER_MAX - bytes)
		return err_set(e, ERR_LIMIT, "'%s' has more strided tensors than a state dict ever has", s->path);
	void **all = realloc(f->gathered, (size_t)(f->gathered_count + 1) * sizeof *all);
	if (all)
		f->gathered = all;
	*out = all ? malloc(bytes + !bytes) : NULL;
	if (!*out)
		return err_set(e, ERR_MEMORY, "out of memory: %zu bytes for a tensor of '%s'", bytes, s->path);
	f->gathered[f->gathered_count++] = *out;
	f->gathered_bytes += bytes;
	return 0;
}

static int find_storage(const struct shard *s, const char *folder, const struct pickle_tensor *p,
                        struct zip_entry **entry, struct err *e)
{
	char name[ARCHIVE_NAME_SIZE + PICKLE_KEY_SIZE + 16];
	snprintf(name, sizeof name, "%s/data/%s", folder, p->key);
	*entry = zip_find(&s->zip, name);
	if (!*entry)
		return err_set(e, ERR_FORMAT, "the storage '%s' of tensor '%s' is not in '%s'", name, p->name, s->path);
	if (p->storage_count > (int64_t)((*entry)->size / (size_t)p->element_bytes))
		return err_set(e, ERR_FORMAT,
		               "the storage '%s' in '%s' has %zu bytes, but tensor '%s' needs %lld elements of %d", name,
		               s->path, (*entry)->size, p->name, (long long)p->storage_count, p->element_bytes);
	if (!zip_entry_is_whole(*entry))
		return err_set(e, ERR_FORMAT, "the storage '%s' in '%s' is damaged: its checksum is wrong", name, s->path);
	return 0;
}

static int read_tensor(struct torch_file *f, const struct shard *s, const char *folder, const struct pickle_tensor *p,
                       struct tensor *t, struct err *e)
{
	struct zip_entry *entry = NULL;
	void *place = NULL;
	int code = find_storage(s, folder, p, &entry, e);
	if (code)
		return code;
	*t = (struct tensor){.dtype = p->dtype, .rank = p->rank, .count = 1};
	memcpy(t->name, p->name, sizeof t->name);
	memcpy(t->shape, p->shape, sizeof t->shape);
	for (int i = 0; i < p->rank; i++)
		t->count *= p->shape[i];
	t->bytes = (size_t)t->count * (size_t)p->element_bytes;
	t->data = entry->data;
	if (t->count == 0)
		return 0;
	t->data = entry->data + (size_t)p->offset * (size_t)p->element_bytes;
	if (is_contiguous(p))
		return 0;
	if ((code = add_gathered(f, s, t->bytes, &place, e)))
		return code;
	gather(place, entry->data, p, t->count);
	t->data = place;
	return 0;
}

/* ---- one archive ---- */

/* The pickle that torch.save wrote before 1.6 begins with its magic number. */
static int is_old_format(const struct file_map *m)
{
	static const unsigned char magic[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c,
	                                      0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
	return m->size >= sizeof magic && !memcmp(m->data, magic, sizeof magic);
}

static int check_format(const struct shard *s, struct err *e)
{
	if (is_old_format(&s->map))
		return err_set(e, ERR_UNSUPPORTED,
		               "'%s' is in torch's format from before 1.6: load and save it again with a newer "
		               "torch, or save it as safetensors",
		               s->path);
	if (s->map.size < 4 || memcmp(s->map.data, "PK", 2))
		return err_set(e, ERR_FORMAT, "'%s' is no zip archive, so nothing that torch.save wrote", s->path);
	return 0;
}

/* Everything is in one folder, whose name is the file's or "archive". */
static int find_folder(const struct shard *s, char folder[ARCHIVE_NAME_SIZE], struct zip_entry **pickle, struct err *e)
{
	static const char end[] = "/data.pkl";
	*pickle = NULL;
	for (int i = 0; i < s->zip.count; i++) {
		struct zip_entry *x = &s->zip.entries[i];
		size_t length = x->name_size - (sizeof end - 1);
		if (x->name_size < sizeof end || memcmp(x->name + length, end, sizeof end - 1) || length >= ARCHIVE_NAME_SIZE ||
		    memchr(x->name, 0, length))
			continue;
		if (*pickle)
			return err_set(e, ERR_FORMAT, "'%s' has more than one data.pkl", s->path);
		*pickle = x;
		memcpy(folder, x->name, length);
		folder[length] = '\0';
	}
	if (!*pickle)
		return err_set(e, ERR_FORMAT, "no data.pkl in '%s': not written by torch.save", s->path);
	return zip_entry_is_whole(*pickle)
	           ? 0
	           : err_set(e, ERR_FORMAT, "data.pkl in '%s' is damaged: its checksum is wrong", s->path);
}

static int check_byte_order(const struct shard *s, const char *folder, struct err *e)
{
	char name[ARCHIVE_NAME_SIZE + 16];
	snprintf(name, sizeof name, "%s/byteorder", folder);
	const struct zip_entry *x = zip_find(&s->zip, name);
	if (x && x->size >= 3 && !memcmp(x->data, "big", 3))
		return err_set(e, ERR_UNSUPPORTED, "'%s' was written on a big-endian machine", s->path);
	return 0;
}

static int add_tensors(struct torch_file *f, const struct shard *s, const char *folder,
                       const struct pickle_tensor *list, int count, struct err *e)
{
	if (count > TENSORS_MAX - f->count)
		return err_set(e, ERR_LIMIT, "more than %d tensors in '%s'", TENSORS_MAX, s->path);
	struct tensor *all = realloc(f->tensors, (size_t)(f->count + count + 1) * sizeof *all);
	if (!all)
		return err_set(e, ERR_MEMORY, "out of memory for the tensors of '%s'", s->path);
	f->tensors = all;
	for (int i = 0; i < count; i++) {
		int code = read_tensor(f, s, folder, &list[i], &all[f->count], e);
		if (code)
			return code;
		f->count++;
	}
	return 0;
}

static int read_shard(struct torch_file *f, struct shard *s, struct err *e)
{
	char folder[ARCHIVE_NAME_SIZE];
	struct zip_entry *pickle = NULL;
	struct pickle_tensor *list = NULL;
	int count = 0;
	int code = file_map_open(&s->map, s->path, e);
	if (!code)
		code = check_format(s, e);
	if (!code)
		code = zip_open(&s->zip, s->map.data, s->map.size, s->path, e);
	if (!code)
		code = find_folder(s, folder, &pickle, e);
	if (!code)
		code = check_byte_order(s, folder, e);
	if (!code)
		code = pickle_read(&list, &count, pickle->data, pickle->size, s->path, e);
	if (!code)
		code = add_tensors(f, s, folder, list, count, e);
	free(list);
	return code;
}

/* ---- shards ---- */

static int add_shard(struct torch_file *f, const char *path, struct err *e)
{
	for (int i = 0; i < f->shard_count; i++)
		if (!strcmp(f->shards[i].path, path))
			return 0;
	if (f->shard_count == SHARDS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d shards beside '%s'", SHARDS_MAX, path);
	struct shard *all = realloc(f->shards, (size_t)(f->shard_count + 1) * sizeof *all);
	if (!all)
		return err_set(e, ERR_MEMORY, "out of memory for '%s'", path);
	f->shards = all;
	struct shard *s = &all[f->shard_count++];
	memset(s, 0, sizeof *s);
	if (snprintf(s->path, sizeof s->path, "%s", path) >= (int)sizeof s->path)
		return err_set(e, ERR_LIMIT, "path too long: '%.200s...'", path);
	return read_shard(f, s, e);
}

static int add_shards(struct torch_file *f, const cJSON *map, const char *index, struct err *e)
{
	const cJSON *entry;
	char path[4096];
	const char *slash = strrchr(index, '/');
	if (!cJSON_IsObject(map))
		return err_set(e, ERR_FORMAT, "field 'weight_map' of '%s' must be an object", index);
	cJSON_ArrayForEach(entry, map)
	{
		const char *file = cJSON_IsString(entry) ? entry->valuestring : "";
		if (!*file || *file == '.' || strchr(file, '/'))
			return err_set(e, ERR_FORMAT, "shard '%.200s' in '%s' is not a plain file name", file, index);
		if (snprintf(path, sizeof path, "%.*s%s", slash ? (int)(slash + 1 - index) : 0, index, file) >=
		    (int)sizeof path)
			return err_set(e, ERR_LIMIT, "path too long: '%.200s...'", index);
		int code = add_shard(f, path, e);
		if (code)
			return code;
	}
	return 0;
}

static int open_index(struct torch_file *f, const char *path, struct err *e)
{
	cJSON *json = json_parse_file(path, e);
	if (!json)
		return e && e->code ? e->code : ERR_FORMAT;
	int code = add_shards(f, cJSON_GetObjectItemCaseSensitive(json, "weight_map"), path, e);
	cJSON_Delete(json);
	return code;
}

int torch_open(struct torch_file **out, struct checkpoint **c, const char *path, struct err *e)
{
	struct torch_file *f = *out = calloc(1, sizeof *f);
	size_t length = strlen(path);
	*c = NULL;
	if (!f)
		return err_set(e, ERR_MEMORY, "out of memory for '%s'", path);
	int is_index = length > 5 && !strcmp(path + length - 5, ".json");
	int code = is_index ? open_index(f, path, e) : add_shard(f, path, e);
	if (!code && !f->tensors)
		code = err_set(e, ERR_FORMAT, "no tensors in '%s'", path);
	if (!code) {
		struct tensor *tensors = f->tensors;
		f->tensors = NULL;
		code = checkpoint_adopt(c, path, tensors, f->count, e);
	}
	if (code) {
		torch_close(f);
		*out = NULL;
	}
	return code;
}
