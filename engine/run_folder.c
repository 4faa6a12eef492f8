#include "run_folder.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define STATE "state.safetensors"

/* ---- what a run leaves ---------------------------------------------------------------------------------------- */

/* What a run writes, and what a model of another form may have left that would be read before it. */
static const char *const file_names[] = {STATE,
                                         "model.safetensors",
                                         "model.safetensors.index.json",
                                         "config.json",
                                         "vocab.txt",
                                         "tokenizer.json",
                                         "tokenizer_config.json",
                                         "special_tokens_map.json",
                                         "added_tokens.json"};

static int ends_with(const char *name, const char *end)
{
	const size_t n = strlen(name), m = strlen(end);
	return n >= m && !strcmp(name + n - m, end);
}

/* "NAME.*.tmp": what killed runs had begun to write, each as large as the whole. */
static int is_leftover(const char *name)
{
	for (size_t i = 0; i < sizeof file_names / sizeof *file_names; i++) {
		const size_t n = strlen(file_names[i]);
		if (!strncmp(name, file_names[i], n) && name[n] == '.' && ends_with(name, ".tmp"))
			return 1;
	}
	return 0;
}

static int is_ours(const char *name)
{
	for (size_t i = 0; i < sizeof file_names / sizeof *file_names; i++)
		if (!strcmp(name, file_names[i]))
			return 1;
	return is_leftover(name) || (!strncmp(name, "model-", 6) && ends_with(name, ".safetensors"));
}

/* Of the folder's files those that are ours; other people's stay. */
static void remove_files(const char *path, int (*is_one)(const char *name))
{
	char name[4096 + 300];
	DIR *dir = opendir(path);
	if (!dir)
		return;
	for (const struct dirent *d; (d = readdir(dir));)
		if (is_one(d->d_name)) {
			snprintf(name, sizeof name, "%s/%s", path, d->d_name);
			unlink(name);
		}
	closedir(dir);
}

/* A link to a folder goes, the folder that it leads to stays as it is. */
static void remove_model(const char *path)
{
	struct stat s;
	if (lstat(path, &s))
		return;
	if (S_ISLNK(s.st_mode)) {
		unlink(path);
		return;
	}
	remove_files(path, is_ours);
	rmdir(path);
}

static void epoch_path(char out[4096], const struct run_folder *f, int epoch, const char *end)
{
	snprintf(out, 4096, "%s/epoch-%d%s", f->path, epoch + 1, end);
}

void run_folder_sweep(const struct run_folder *f)
{
	char name[4096];
	remove_files(f->path, is_leftover);
	for (int i = 0; i < EPOCHS_MAX; i++) {
		epoch_path(name, f, i, ".tmp");
		remove_model(name);
	}
}

static int is_there(const struct run_folder *f, const char *name)
{
	char path[4096];
	return !file_join(path, sizeof path, f->path, name, NULL) && file_exists(path);
}

static int has_model(const struct run_folder *f) { return is_there(f, "model.safetensors"); }

/* Whether there is a model, or a part of one, or models of epochs. */
static int is_taken(const struct run_folder *f)
{
	char path[4096];
	if (has_model(f) || is_there(f, "model.safetensors.index.json") || is_there(f, "config.json"))
		return 1;
	for (int i = 0; i < EPOCHS_MAX; i++) {
		epoch_path(path, f, i, "");
		if (file_exists(path))
			return 1;
	}
	return 0;
}

int run_folder_clear(const struct run_folder *f, struct err *e)
{
	char path[4096];
	remove_files(f->path, is_ours);
	for (int i = 0; i < EPOCHS_MAX; i++) {
		run_folder_forget(f, i);
		epoch_path(path, f, i, "");
		if (file_exists(path))
			return err_set(e, ERR_USAGE, "'%s' holds more than a model: move it away, or give another --out", path);
	}
	return is_taken(f) ? err_set(e, ERR_IO, "cannot remove the model in '%s'", f->path) : 0;
}

/* ---- the lock ------------------------------------------------------------------------------------------------- */

static int refuse(int fd, const char *path, struct err *e)
{
	char owner[32] = "";
	ssize_t n = read(fd, owner, sizeof owner - 1);
	owner[n > 0 ? n : 0] = '\0';
	owner[strcspn(owner, "\n")] = '\0';
	close(fd);
	return err_set(e, ERR_USAGE, "another process (%s) is training in '%s'", *owner ? owner : "unknown", path);
}

/* "process N", or nothing yet: not a file of somebody else's that happens to have the name. */
static int is_a_lock(int fd)
{
	char text[9] = "";
	const ssize_t n = pread(fd, text, 8, 0);
	return n == 0 || (n == 8 && !strcmp(text, "process "));
}

static int lock(int fd, const char *name, const char *path, struct err *e)
{
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		const int number = errno;
		if (number == EWOULDBLOCK)
			return refuse(fd, path, e);
		close(fd);
		return err_set_errno(e, number, "cannot lock '%s'", name);
	}
	if (!is_a_lock(fd)) {
		close(fd);
		return err_set(e, ERR_USAGE, "'%s' is not a lock of a run: give another --out", name);
	}
	if (ftruncate(fd, 0) || dprintf(fd, "process %ld\n", (long)getpid()) < 0) {
		const int number = errno;
		close(fd);
		return err_set_errno(e, number, "cannot write '%s'", name);
	}
	return 0;
}

/* The kernel lets go of the lock when the process ends, however it ends. */
int run_folder_open(struct run_folder *f, const char *path, int start_over, struct err *e)
{
	char name[4096];
	f->lock = -1;
	if (snprintf(f->path, sizeof f->path, "%s", path) >= (int)sizeof f->path)
		return err_set(e, ERR_LIMIT, "path too long: '%.200s...'", path);
	/* A run writes its state before its first model. */
	if (!start_over && !is_there(f, STATE) && is_taken(f))
		return err_set(e, ERR_USAGE,
		               "'%s' holds a model and no run that could go on: give another --out, or --force to replace it",
		               path);
	int code = file_make_directories(path, e);
	if (!code)
		code = file_join(name, sizeof name, path, "lock", e);
	if (code)
		return code;
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0)
		return err_set_errno(e, errno, "cannot open '%s'", name);
	code = lock(fd, name, path, e);
	f->lock = code ? -1 : fd;
	return code;
}

void run_folder_close(struct run_folder *f)
{
	if (f->lock >= 0)
		close(f->lock);
	f->lock = -1;
}

/* ---- the state ------------------------------------------------------------------------------------------------ */

enum { POSITION_EPOCH, POSITION_BATCH, POSITION_STEP, POSITION_ENDED, POSITION_SCORED, POSITION_UPDATES, POSITIONS };
enum { KEY_BYTES = 64 };

/* The tensors of a state; after them come their CRC-32s, so that no disk's error is trained on. */
static const char *const tensor_names[] = {"key", "position", "scores", "weights", "first_moments", "second_moments"};
enum { TENSORS = sizeof tensor_names / sizeof *tensor_names };
#define CHECKSUMS "crc32"

int run_state_write(const struct run_folder *f, const struct trainer *t, const struct run_state *s, struct err *e)
{
	char path[4096];
	const int64_t position[POSITIONS] = {s->epoch, s->batch, s->step, s->ended, s->scored, t->updates};
	const int64_t count = (int64_t)t->w.count;
	double scores[2 * EPOCHS_MAX];
	for (int64_t i = 0; i < s->scored; i++) {
		scores[2 * i] = s->scores[i].score;
		scores[2 * i + 1] = s->scores[i].speed;
	}
	int64_t checksums[TENSORS];
	/* The key as eight-byte words: the format has no text. */
	struct tensor_source tensors[TENSORS + 1] = {
		{.dtype = DTYPE_I64, .shape = {KEY_BYTES / 8}, .raw = s->key},
		{.dtype = DTYPE_I64, .shape = {POSITIONS}, .raw = position},
		{.dtype = DTYPE_F64, .shape = {2 * s->scored}, .raw = scores},
		{.dtype = DTYPE_F32, .shape = {count}, .raw = t->w.values},
		{.dtype = DTYPE_F32, .shape = {count}, .raw = t->m.values},
		{.dtype = DTYPE_F32, .shape = {count}, .raw = t->v.values},
		{.name = CHECKSUMS, .dtype = DTYPE_I64, .rank = 1, .shape = {TENSORS}, .raw = checksums},
	};
	for (int i = 0; i < TENSORS; i++) {
		tensors[i].name = tensor_names[i];
		tensors[i].rank = 1;
		checksums[i] = (int64_t)crc32_z(0, tensors[i].raw, (size_t)tensors[i].shape[0] * dtype_bytes(tensors[i].dtype));
	}
	int code = file_join(path, sizeof path, f->path, STATE, e);
	return code ? code : checkpoint_write(path, tensors, TENSORS + 1, e);
}

struct part {
	const char *name;
	enum dtype dtype;
	int64_t count;
	void *to;
};

static const struct tensor *find_part(const struct checkpoint *file, const struct part *p, struct err *e)
{
	const struct tensor *t = checkpoint_find(file, p->name);
	if (t && t->dtype == p->dtype && t->rank == 1 && t->count == p->count)
		return t;
	err_set(e, ERR_FORMAT, "tensor '%s' in '%s' is not what a training state of this model has (--force starts over)",
	        p->name, checkpoint_path(file));
	return NULL;
}

static int read_part(const struct checkpoint *file, const struct part *p, struct err *e)
{
	const struct tensor *t = find_part(file, p, e);
	if (t)
		memcpy(p->to, t->data, t->bytes);
	return t ? 0 : ERR_FORMAT;
}

static int check_sums(const struct checkpoint *file, struct err *e)
{
	int64_t checksums[TENSORS];
	const struct part p = {CHECKSUMS, DTYPE_I64, TENSORS, checksums};
	int code = read_part(file, &p, e);
	for (int i = 0; i < TENSORS && !code; i++) {
		const struct tensor *t = checkpoint_find(file, tensor_names[i]);
		if (t && (int64_t)crc32_z(0, t->data, t->bytes) != checksums[i])
			code = err_set(e, ERR_FORMAT, "tensor '%s' in '%s' is damaged: its checksum differs (--force starts over)",
			               t->name, checkpoint_path(file));
	}
	return code;
}

static int read_position(const struct checkpoint *file, struct run_state *s, int64_t *updates, struct err *e)
{
	int64_t position[POSITIONS];
	const struct part p = {"position", DTYPE_I64, POSITIONS, position};
	int code = read_part(file, &p, e);
	if (code)
		return code;
	s->epoch = position[POSITION_EPOCH];
	s->batch = position[POSITION_BATCH];
	s->step = position[POSITION_STEP];
	s->ended = position[POSITION_ENDED];
	s->scored = position[POSITION_SCORED];
	*updates = position[POSITION_UPDATES];
	if (s->epoch < 0 || s->epoch > s->epochs || s->scored != s->epoch || s->batch < 0 || s->step < 0 || *updates < 0)
		return err_set(e, ERR_FORMAT, "the position in '%s' is out of range", checkpoint_path(file));
	return 0;
}

static int read_scores(const struct checkpoint *file, const struct run_state *s, struct err *e)
{
	double scores[2 * EPOCHS_MAX];
	const struct part p = {"scores", DTYPE_F64, 2 * s->scored, scores};
	int code = read_part(file, &p, e);
	for (int64_t i = 0; i < s->scored && !code; i++)
		s->scores[i] = (struct training_score){scores[2 * i], scores[2 * i + 1]};
	return code;
}

static int check_key(const struct checkpoint *file, const struct run_folder *f, const struct run_state *s,
                     struct err *e)
{
	char key[65] = "";
	const struct part p = {"key", DTYPE_I64, KEY_BYTES / 8, key};
	int code = read_part(file, &p, e);
	if (!code && strcmp(key, s->key) != 0)
		code =
			err_set(e, ERR_USAGE,
		            "'%s' holds a run with other settings, data or weights (its key begins with %.8s, this one's with "
		            "%.8s): give another --out, or --force to start over",
		            f->path, key, s->key);
	return code;
}

/* What was written was finite. */
static int check_values(const struct checkpoint *file, const struct part *p, struct err *e)
{
	float values[1024];
	const struct tensor *t = find_part(file, p, e);
	const int64_t room = sizeof values / sizeof *values;
	if (!t)
		return ERR_FORMAT;
	for (int64_t at = 0; at < t->count; at += room) {
		const int64_t count = t->count - at < room ? t->count - at : room;
		tensor_to_float(values, t, at, count);
		const int64_t bad = find_not_finite(values, count);
		if (bad >= 0)
			return err_set(e, ERR_FORMAT, "value %lld of '%s' in '%s' is not finite", (long long)(at + bad), p->name,
			               checkpoint_path(file));
	}
	return 0;
}

/* All of it is looked at before any of it is taken over; the file's pages are let go of, as memory was promised without
 * them. */
static int read_all(const struct checkpoint *file, const struct run_folder *f, struct trainer *t, struct run_state *s,
                    struct err *e)
{
	const int64_t count = (int64_t)t->w.count;
	const struct part parts[] = {{"weights", DTYPE_F32, count, t->w.values},
	                             {"first_moments", DTYPE_F32, count, t->m.values},
	                             {"second_moments", DTYPE_F32, count, t->v.values}};
	const int parts_count = sizeof parts / sizeof *parts;
	struct run_state read = *s;
	int64_t updates = 0;
	int code = check_sums(file, e);
	if (!code)
		code = check_key(file, f, s, e);
	if (!code)
		code = read_position(file, &read, &updates, e);
	if (!code && read.scored && !has_model(f))
		code = err_set(e, ERR_FORMAT, "the model of the run in '%s' is gone (--force starts over)", f->path);
	if (!code)
		code = read_scores(file, &read, e);
	for (int i = 0; i < 2 * parts_count && !code; i++) {
		const struct part *p = &parts[i % parts_count];
		checkpoint_release_pages(file);
		code = i < parts_count ? check_values(file, p, e) : read_part(file, p, e);
	}
	checkpoint_release_pages(file);
	if (code)
		return code;
	*s = read;
	t->updates = updates;
	train_pack(t);
	return 0;
}

int run_state_read(const struct run_folder *f, struct trainer *t, struct run_state *s, int *found, struct err *e)
{
	char path[4096];
	struct checkpoint *file;
	int code = file_join(path, sizeof path, f->path, STATE, e);
	*found = !code && file_exists(path);
	if (code || !*found)
		return code;
	if ((code = checkpoint_open(&file, path, e)))
		return code;
	code = read_all(file, f, t, s, e);
	checkpoint_close(file);
	return code;
}

/* ---- the models ----------------------------------------------------------------------------------------------- */

int run_folder_keep(const struct run_folder *f, const struct trainer *t, int epoch, const char *dtype,
                    const char *tokenizer, struct err *e)
{
	char part[4096], whole[4096];
	epoch_path(part, f, epoch, ".tmp");
	epoch_path(whole, f, epoch, "");
	remove_model(part);
	int code = trainer_save(t, part, dtype, tokenizer, e);
	if (code) {
		remove_model(part);
		return code;
	}
	remove_model(whole);
	if (rename(part, whole))
		return err_set_errno(e, errno, "cannot rename '%s'", part);
	file_sync_folder_of(whole);
	return 0;
}

void run_folder_forget(const struct run_folder *f, int epoch)
{
	char path[4096];
	epoch_path(path, f, epoch, "");
	remove_model(path);
}
