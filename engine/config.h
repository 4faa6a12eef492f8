/* config.json of a Hugging Face BERT or DistilBERT classifier. */
#ifndef ADAPLER_CONFIG_H
#define ADAPLER_CONFIG_H

#include "engine.h"

/* Reads DIR/config.json or the file itself. Missing fields take the family's defaults as the transformers library has
 * them; impossible values (H not a multiple of A, V < 1 ...) are errors that name the field. */
int config_read(struct config *c, const char *path, struct err *e);
int config_parse(struct config *c, const char *json, size_t size, const char *name, struct err *e);
/* Writes a config.json that both this program and transformers read. */
int config_write(const struct config *c, const char *path, struct err *e);
void config_free(struct config *c);
const char *activation_name(enum activation a);

#endif
