/* config.json of a Hugging Face BERT or DistilBERT classifier. */
#ifndef ADAPLER_CONFIG_H
#define ADAPLER_CONFIG_H

#include "engine.h"

int config_parse(struct config *c, const char *json, size_t size, const char *name, struct err *e);
/* Writes a config.json that both this program and transformers read. */
int config_write(const struct config *c, const char *path, struct err *e);
const char *activation_name(enum activation a);

#endif
