#include "engine.h"

#ifndef ADAPLER_COMMIT
#define ADAPLER_COMMIT "unknown"
#endif

const char *adapler_commit(void) { return ADAPLER_COMMIT; }
