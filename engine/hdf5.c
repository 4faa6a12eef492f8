/* Every dataset of the file is visited; its path is rewritten to PyTorch's spelling, and the longest tail of it that is
 * a tensor of the list is what it is. So groups around it, which differ between save_weights and save, do not matter. */
#include "hdf5.h"

#include "weights.h"

#include <stdlib.h>
#include <string.h>

#ifndef HAVE_HDF5

int hdf5_open(struct hdf5_file **f, struct checkpoint **checkpoint, const char *path, const struct config *c,
              struct err *e)
{
	(void)c;
	*f = NULL;
	*checkpoint = NULL;
	return err_set(e, ERR_UNSUPPORTED, "cannot read '%s': built without HDF5 (install libhdf5-dev and build again)",
	               path);
}

void hdf5_close(struct hdf5_file *f) { (void)f; }

#else
#include <hdf5.h>

enum { DEPTH_MAX = 32, LINKS_MAX = 1 << 16, PATH_SIZE = 2048, EXPECTED_MAX = 1 << 15 };

struct hdf5_file {
	struct tensor *tensors;
	int count;
	float **values;
};

struct reading {
	struct hdf5_file *f;
	char (*expected)[TENSOR_NAME_SIZE]; /* the names of the list */
	int expected_count;
	int links;
	int heads_from_0; /* exp_head_0 was seen: heads count from 0 */
	const struct config *c;
	const char *path;
	struct err *e;
};

void hdf5_close(struct hdf5_file *f)
{
	if (!f)
		return;
	for (int i = 0; f->values && i < f->count; i++)
		free(f->values[i]);
	free(f->values);
	free(f->tensors);
	free(f);
}

/* ---- names ---- */

/* "a/layer_._0/query/kernel:0" becomes "a.layer.0.query.weight". */
static void respell(char *out, size_t size, const char *path)
{
	static const char *const last[][2] = {
		{".kernel", ".weight"},
		{".embeddings", ".weight"},
		{".gamma", ".weight"},
		{".beta", ".bias"},
	};
	size_t used = 0;
	for (const char *at = path; *at && *at != ':' && used + 1 < size; at++) {
		if (!strncmp(at, "_._", 3)) {
			out[used++] = '.';
			at += 2;
		} else {
			out[used++] = *at == '/' ? '.' : *at;
		}
	}
	out[used] = '\0';
	for (size_t i = 0; i < sizeof last / sizeof last[0]; i++) {
		size_t n = strlen(last[i][0]);
		if (used > n && !strcmp(out + used - n, last[i][0]) && used - n + strlen(last[i][1]) < size)
			strcpy(out + used - n, last[i][1]);
	}
}

/* "..exp_head_pre_4.bias" becomes "adapler.cp.3.dense.bias". The groups around it may have similar names
 * ("t_fbert_lr_exp_head_4"), so only the last two components count. */
static int predictor_name(char out[TENSOR_NAME_SIZE], const char *name, int from_0)
{
	static const struct {
		const char *start, *part;
	} heads[] = {{"exp_head_pre_", "dense"}, {"exp_head_", "score"}};
	const char *dot = strrchr(name, '.'), *last = dot ? dot + 1 : name, *component = dot;
	if (!strcmp(last, "ETA") || !strcmp(last, "THETA"))
		return snprintf(out, TENSOR_NAME_SIZE, "adapler.%s", *last == 'E' ? "eta" : "theta");
	while (component && component > name && component[-1] != '.')
		component--;
	for (size_t i = 0; component && i < 2; i++) {
		size_t length = strlen(heads[i].start);
		char *end = NULL;
		if (strncmp(component, heads[i].start, length))
			continue;
		long layer = strtol(component + length, &end, 10);
		if (end == dot && layer >= !from_0)
			return snprintf(out, TENSOR_NAME_SIZE, "adapler.cp.%ld.%s%.16s", layer - !from_0, heads[i].part, dot);
	}
	return 0;
}

static int is_tail(const char *name, const char *tail)
{
	size_t n = strlen(name), m = strlen(tail);
	return n >= m && !strcmp(name + n - m, tail) && (n == m || name[n - m - 1] == '.');
}

/* The name of the list that this dataset is, or NULL. */
static const char *expected_name(const struct reading *r, const char *path)
{
	char name[PATH_SIZE], predictor[TENSOR_NAME_SIZE];
	respell(name, sizeof name, path);
	if (predictor_name(predictor, name, r->heads_from_0))
		snprintf(name, sizeof name, "%s", predictor);
	for (int i = 0; i < r->expected_count; i++) {
		const char *full = r->expected[i], *bare = strchr(full, '.') + 1;
		int has_prefix = !strncmp(full, "bert.", 5) || !strncmp(full, "distilbert.", 11);
		if (is_tail(name, has_prefix ? bare : full))
			return full;
	}
	return NULL;
}

static int add_expected(const struct weight_info *info, void *arg)
{
	struct reading *r = arg;
	if (r->expected_count < EXPECTED_MAX)
		snprintf(r->expected[r->expected_count++], TENSOR_NAME_SIZE, "%s", info->name);
	return 0;
}

/* ---- one dataset ---- */

static int fault(const struct reading *r, const char *dataset, const char *what)
{
	return err_set(r->e, ERR_FORMAT, "dataset '%.200s' in '%s' %s", dataset, r->path, what);
}

/* Data in other files is not followed. */
static int check_storage(const struct reading *r, hid_t set, const char *dataset)
{
	hid_t list = H5Dget_create_plist(set);
	int is_plain = list >= 0 && H5Pget_external_count(list) == 0 && H5Pget_layout(list) != H5D_VIRTUAL;
	if (list >= 0)
		H5Pclose(list);
	return is_plain ? 0 : fault(r, dataset, "keeps its data in other files");
}

static int read_shape(const struct reading *r, hid_t set, const char *dataset, struct tensor *t)
{
	hsize_t sizes[H5S_MAX_RANK];
	hid_t space = H5Dget_space(set);
	t->rank = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
	if (t->rank < 0 || t->rank > 2 || H5Sget_simple_extent_dims(space, sizes, NULL) < 0)
		t->rank = -1;
	if (space >= 0)
		H5Sclose(space);
	if (t->rank < 0)
		return fault(r, dataset, "has no shape of at most two dimensions");
	t->count = 1;
	for (int i = 0; i < t->rank; i++) {
		if (sizes[i] > 1 << 26 || t->count > (INT64_C(1) << 31) / ((int64_t)sizes[i] + 1))
			return fault(r, dataset, "is larger than any tensor of a model");
		t->shape[i] = (int64_t)sizes[i];
		t->count *= t->shape[i];
	}
	t->bytes = (size_t)t->count * sizeof(float);
	return 0;
}

static int read_values(const struct reading *r, hid_t set, const char *dataset, const struct tensor *t, float **out)
{
	hid_t type = H5Dget_type(set);
	int is_float = type >= 0 && H5Tget_class(type) == H5T_FLOAT;
	if (type >= 0)
		H5Tclose(type);
	if (!is_float)
		return fault(r, dataset, "does not hold floats");
	*out = malloc(t->bytes + !t->bytes);
	if (!*out)
		return err_set(r->e, ERR_MEMORY, "out of memory: %zu bytes for '%.200s' of '%s'", t->bytes, dataset, r->path);
	if (H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, *out) >= 0)
		return 0;
	free(*out);
	*out = NULL;
	return fault(r, dataset, "cannot be read");
}

static int transpose(const struct reading *r, struct tensor *t, float **values)
{
	int64_t rows = t->shape[0], columns = t->shape[1];
	float *turned = malloc(t->bytes + !t->bytes);
	if (!turned)
		return err_set(r->e, ERR_MEMORY, "out of memory: %zu bytes for '%s' of '%s'", t->bytes, t->name, r->path);
	for (int64_t i = 0; i < rows; i++)
		for (int64_t j = 0; j < columns; j++)
			turned[j * rows + i] = (*values)[i * columns + j];
	free(*values);
	*values = turned;
	t->shape[0] = columns;
	t->shape[1] = rows;
	return 0;
}

/* The published code makes 12 thresholds and 11 factors whatever the number of layers. */
static void cut_thresholds(const struct reading *r, struct tensor *t)
{
	int64_t needed = !strcmp(t->name, "adapler.eta")     ? r->c->L
	                 : !strcmp(t->name, "adapler.theta") ? r->c->L - 1
	                                                     : t->count;
	if (t->rank == 1 && t->count > needed) {
		t->shape[0] = t->count = needed;
		t->bytes = (size_t)needed * sizeof(float);
	}
}

static int add_tensor(const struct reading *r, const struct tensor *t, float *values)
{
	struct hdf5_file *f = r->f;
	struct tensor *all = realloc(f->tensors, (size_t)(f->count + 1) * sizeof *all);
	if (all)
		f->tensors = all;
	float **kept = realloc(f->values, (size_t)(f->count + 1) * sizeof *kept);
	if (kept)
		f->values = kept;
	if (!all || !kept) {
		free(values);
		return err_set(r->e, ERR_MEMORY, "out of memory for the tensors of '%s'", r->path);
	}
	kept[f->count] = values;
	all[f->count] = *t;
	all[f->count++].data = values;
	return 0;
}

static int read_dataset(struct reading *r, hid_t set, const char *dataset)
{
	const char *name = expected_name(r, dataset);
	struct tensor t = {.dtype = DTYPE_F32};
	float *values = NULL;
	if (!name)
		return 0;
	snprintf(t.name, sizeof t.name, "%s", name);
	int code = check_storage(r, set, dataset);
	if (!code)
		code = read_shape(r, set, dataset, &t);
	if (!code)
		code = read_values(r, set, dataset, &t, &values);
	if (!code && t.rank == 2 && strstr(dataset, "/kernel"))
		code = transpose(r, &t, &values);
	if (code) {
		free(values);
		return code;
	}
	cut_thresholds(r, &t);
	return add_tensor(r, &t, values);
}

/* ---- the walk ---- */

typedef int dataset_visit(struct reading *r, hid_t set, const char *dataset);

static int walk(struct reading *r, hid_t group, char path[PATH_SIZE], int depth, dataset_visit *visit);

/* Only hard links are followed, so nothing outside the file is. What optimizers keep has the weights' names. */
static int walk_link(struct reading *r, hid_t group, hsize_t i, char path[PATH_SIZE], int depth, dataset_visit *visit)
{
	size_t used = strlen(path);
	ssize_t length = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, path + used + 1,
	                                    PATH_SIZE - used - 1, H5P_DEFAULT);
	if (r->links++ > LINKS_MAX || length < 0 || (size_t)length >= PATH_SIZE - used - 1)
		return fault(r, path, "is nested deeper than, or has more entries than, any Keras file");
	path[used] = '/';
	H5L_info_t info;
	int code = 0, is_hard = H5Lget_info(group, path + used + 1, &info, H5P_DEFAULT) >= 0 && info.type == H5L_TYPE_HARD;
	hid_t object = is_hard && !strstr(path, "optimizer_weights") ? H5Oopen(group, path + used + 1, H5P_DEFAULT) : -1;
	if (object >= 0) {
		H5I_type_t type = H5Iget_type(object);
		if (type == H5I_DATASET)
			code = visit(r, object, path);
		else if (type == H5I_GROUP)
			code = walk(r, object, path, depth + 1, visit);
		H5Oclose(object);
	}
	path[used] = '\0';
	return code;
}

static int walk(struct reading *r, hid_t group, char path[PATH_SIZE], int depth, dataset_visit *visit)
{
	H5G_info_t info;
	int code = 0;
	if (depth > DEPTH_MAX || H5Gget_info(group, &info) < 0)
		return fault(r, path, "cannot be opened, or is nested deeper than in any Keras file");
	for (hsize_t i = 0; !code && i < info.nlinks; i++)
		code = walk_link(r, group, i, path, depth, visit);
	return code;
}

static int note_heads(struct reading *r, hid_t set, const char *dataset)
{
	(void)set;
	if (strstr(dataset, "/exp_head_pre_0/"))
		r->heads_from_0 = 1;
	return 0;
}

static int read_file(struct reading *r)
{
	char path[PATH_SIZE] = "";
	hid_t file = H5Fopen(r->path, H5F_ACC_RDONLY, H5P_DEFAULT);
	if (file < 0)
		return err_set(r->e, ERR_FORMAT, "cannot open '%s' as HDF5", r->path);
	int code = walk(r, file, path, 0, note_heads);
	r->links = 0;
	if (!code)
		code = walk(r, file, path, 0, read_dataset);
	H5Fclose(file);
	if (!code && !r->f->count)
		code = err_set(r->e, ERR_FORMAT, "no weights of a %s in '%s'",
		               r->c->family == FAMILY_BERT ? "BERT" : "DistilBERT", r->path);
	return code;
}

/* The list with room for predictors, whether the config has them or not. The library's own messages are kept from
 * standard error: ours name file and dataset. */
static int read_all(struct reading *r)
{
	struct config c = *r->c;
	H5E_auto2_t report = NULL;
	void *report_data = NULL;
	c.K = c.K ? c.K : 1;
	r->expected = calloc(EXPECTED_MAX, sizeof *r->expected);
	if (!r->expected)
		return err_set(r->e, ERR_MEMORY, "out of memory for '%s'", r->path);
	weights_visit(NULL, &c, GROUPS_CLASSIFIER, add_expected, r);
	H5Eget_auto2(H5E_DEFAULT, &report, &report_data);
	H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
	int code = read_file(r);
	H5Eset_auto2(H5E_DEFAULT, report, report_data);
	free(r->expected);
	return code;
}

int hdf5_open(struct hdf5_file **out, struct checkpoint **checkpoint, const char *path, const struct config *c,
              struct err *e)
{
	struct hdf5_file *f = *out = calloc(1, sizeof *f);
	struct reading r = {.f = f, .c = c, .path = path, .e = e};
	*checkpoint = NULL;
	int code = f ? read_all(&r) : err_set(e, ERR_MEMORY, "out of memory for '%s'", path);
	if (!code) {
		struct tensor *tensors = f->tensors;
		f->tensors = NULL;
		code = checkpoint_adopt(checkpoint, path, tensors, f->count, e);
	}
	if (code) {
		hdf5_close(f);
		*out = NULL;
	}
	return code;
}
#endif
