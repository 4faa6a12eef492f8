/* adapler merge: one database of several. */
#include "merge.h"

#include "../engine/base/err.h"
#include "../engine/base/log.h"
#include "../engine/base/opt.h"

#include <stdio.h>
#include <sys/stat.h>

static const struct opt options[] = {{.kind = OPT_END}};

static int is_same_file(const char *a, const char *b)
{
	struct stat x, y;
	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int merge_all(struct store *into, char **paths, int count, struct err *e)
{
	struct merge_counts all = {0};
	int code = 0;
	for (int i = 1; i < count && !code; i++) {
		struct merge_counts c = {0};
		code = merge_from(into, paths[i], &c, e);
		if (!code)
			log_info("%s: added %d, already there %d, unfinished and left out %d", paths[i], c.added, c.there,
			         c.unfinished);
		all.added += c.added;
		all.there += c.there;
	}
	if (!code)
		code = merge_shards(into, &all, e);
	if (!code && all.assembled)
		log_info("whole runs made of all their shards: %d", all.assembled);
	if (!code)
		printf("{\"added\":%d,\"there\":%d,\"assembled\":%d}\n", all.added, all.there, all.assembled);
	return code;
}

static int merge_run_command(const struct command *command, int argc, char **argv, struct err *e)
{
	struct store *into;
	char **paths;
	int unused, count, code = opt_parse(command, argc, argv, &unused, &paths, &count, e);
	if (code)
		return code;
	if (count < 2)
		return err_set(e, ERR_USAGE, "merge needs INTO.db and at least one FROM.db");
	for (int i = 1; i < count; i++)
		if (is_same_file(paths[0], paths[i]))
			return err_set(e, ERR_USAGE, "'%s' cannot be merged into itself", paths[i]);
	code = store_open(&into, paths[0], NULL, e);
	if (code)
		return code;
	code = merge_all(into, paths, count, e);
	store_close(into);
	return code;
}

const struct command merge_command = {
	.name = "merge",
	.summary = "join the databases of several machines",
	.usage = "INTO.db FROM.db...",
	.details = "Adds every finished run that INTO does not have, each in one transaction; done twice it adds nothing. "
			   "Runs of one\n"
			   "key must have the same facts, or merging stops. When all shards of an evaluation (eval --shard I/N) "
			   "are there,\n"
			   "the whole run is made of them; it has no times.",
	.examples = "adapler merge all.db machine-1.db machine-2.db",
	.options = options,
	.run = merge_run_command,
};
