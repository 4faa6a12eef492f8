#include "machine.h"

#include <stdio.h>
#include <string.h>

/* "model name	: AMD EPYC 9R14" -> what stands behind the colon, without the line's end. */
static const char *value_of(char *line)
{
	char *colon = strchr(line, ':');
	if (strncmp(line, "model name", 10) != 0 || !colon)
		return NULL;
	colon[strcspn(colon, "\n")] = '\0';
	return colon + 1 + strspn(colon + 1, " \t");
}

void machine_cpu(char *out, int size)
{
	char line[512];
	const char *name = NULL;
	FILE *f = fopen("/proc/cpuinfo", "r");
	while (f && !name && fgets(line, sizeof line, f))
		name = value_of(line);
	if (f)
		fclose(f);
	snprintf(out, (size_t)size, "%s", name && *name ? name : "unknown");
}
