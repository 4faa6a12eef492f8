/* The teacher's saliency of every sample of a split, stored compactly: what was computed once by fine-tuned models is
 * what AdapLeR learns from.
 *
 * The file: the line "adapler saliency 2"; a line of JSON, its key: models (path and SHA-256 of the weights), task,
 * split, data_sha (texts and labels), token_sha (what the vocabulary made of them), dev_sha, max_length, examples, tokens,
 * dev_score (the best of the models, on that dev split), sha256 of the rest; then one little-endian uint16 of tokens for
 * each sample, and one for each token: its saliency in 65535ths of the sample's largest (only proportions are learnt
 * from). */
#ifndef ADAPLER_EVAL_SALIENCY_FILE_H
#define ADAPLER_EVAL_SALIENCY_FILE_H

#include "encoded.h"

enum { SALIENCY_MODELS_MAX = 64 };

struct saliency_key {
	int models;
	const char *model[SALIENCY_MODELS_MAX]; /* paths; not read back */
	char model_sha[SALIENCY_MODELS_MAX][65];
	char task[256], split[16], data_sha[65], token_sha[65], dev_sha[65];
	int max_length;
	double dev_score; /* NaN: unknown */
};

/* saliency [data->tokens], in the order of the data; ERR_LIMIT when one is negative or not finite. */
int saliency_write(const char *path, const struct saliency_key *key, const struct encoded *data, const float *saliency,
                   struct err *e);

struct saliency_file {
	struct saliency_key key;
	char sha[65];  /* of the values as stored */
	float *values; /* [tokens] each sample's largest is 1 */
};

/* Checks that the file is of this task, split, data, tokens, dev data and max_length, and points the examples at their
 * saliency. */
int saliency_open(struct saliency_file *f, const char *path, const struct saliency_key *expected, struct encoded *data,
                  struct err *e);
void saliency_close(struct saliency_file *f);

#endif
