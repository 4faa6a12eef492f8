/* HateXplain (Mathew et al. 2021) as three classes: a JSON array of [text, label], the majority's label. */
#include "reader.h"

#include "../engine/base/err.h"
#include "../engine/base/json.h"

#include <math.h>
#include <string.h>

static int add_post(struct dataset *d, const cJSON *post, int file, int item, struct err *e)
{
	const cJSON *text = cJSON_GetArrayItem(post, 0), *label = cJSON_GetArrayItem(post, 1);
	if (!cJSON_IsArray(post) || cJSON_GetArraySize(post) != 2 || !cJSON_IsString(text) || !cJSON_IsString(label))
		return err_set(e, ERR_FORMAT, "expected [text, label] as item %d of '%s'", item, d->files[file]);
	struct sample s = {.label = -1, .value = NAN, .file = file, .line = item, .text_size = strlen(text->valuestring)};
	if (!s.text_size)
		return err_set(e, ERR_FORMAT, "empty text in item %d of '%s'", item, d->files[file]);
	s.text = texts_copy(&d->memory->texts, text->valuestring, s.text_size, e);
	if (!s.text)
		return ERR_MEMORY;
	int code = dataset_label(d, &s, (struct span){label->valuestring, strlen(label->valuestring)}, "label", e);
	return code ? code : dataset_add(d, &s, e);
}

int read_hatexplain(struct dataset *d, const struct source *s, struct err *e)
{
	struct span bytes;
	int file, item = 0, code = dataset_map(d, s->path, &bytes, e);
	if (!code)
		code = dataset_add_file(d, s->path, &file, e);
	if (code)
		return code;
	if (table_has_nul_escape(bytes))
		return err_set(e, ERR_FORMAT, "a NUL character in '%s'", s->path);
	cJSON *posts = json_parse(bytes.bytes, bytes.size, s->path, e);
	if (!posts)
		return ERR_FORMAT;
	if (!cJSON_IsArray(posts) || !posts->child)
		code = err_set(e, ERR_FORMAT, "expected a JSON array of [text, label] in '%s'", s->path);
	for (const cJSON *post = posts->child; post && !code; post = post->next)
		code = add_post(d, post, file, ++item, e);
	cJSON_Delete(posts);
	return code;
}
