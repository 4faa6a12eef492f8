#include "engine.h"

#include "kernels.h"

#ifndef ADAPLER_COMMIT
#define ADAPLER_COMMIT "unknown"
#endif
#ifndef ADAPLER_SOURCES
#define ADAPLER_SOURCES "unknown"
#endif

const char *adapler_commit(void) { return ADAPLER_COMMIT; }

const char *adapler_sources(void) { return ADAPLER_SOURCES; }

const char *adapler_kernels(const char *name)
{
	const struct kernels *k = kernels_find(name);
	return k ? k->name : NULL;
}
