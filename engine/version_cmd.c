/* adapler --version: what this program is, and what it runs on here. */
#include "base/err.h"
#include "base/opt.h"
#include "base/pool.h"
#include "engine.h"
#include "kernels.h"

#include <cblas.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <utf8proc.h>
#include <zlib.h>

struct version_args {
	int verbose;
};

static const struct opt options[] = {
	{.name = "verbose",
     .letter = 'v',
     .kind = OPT_FLAG,
     .offset = offsetof(struct version_args, verbose),
     .help = "also the libraries, the compiler, and every set of kernels this processor has"},
	{.kind = OPT_END},
};

static void print_kernels(void)
{
	printf("kernels here:");
	for (const struct kernels *const *k = kernels_all(); *k; k++)
		if ((*k)->is_available())
			printf(" %s", (*k)->name);
	printf("\n");
}

static void print_libraries(void)
{
	printf("cJSON %s, utf8proc %s, zlib %s, %s\n", cJSON_Version(), utf8proc_version(), zlibVersion(),
#ifdef HAVE_HDF5
	       "with HDF5"
#else
	       "without HDF5: .h5 files cannot be converted"
#endif
	);
#ifdef __clang__
	printf("compiled by %s\n", __VERSION__);
#else
	printf("compiled by GCC %s\n", __VERSION__);
#endif
}

static int version_run(const struct command *c, int argc, char **argv, struct err *e)
{
	struct version_args args = {0};
	char **positional;
	int count;
	int code = opt_parse(c, argc, argv, &args, &positional, &count, e);
	if (code)
		return code;
	if (count)
		return err_set(e, ERR_USAGE, "unexpected argument '%.80s'", positional[0]);
	const struct kernels *best = kernels_find(NULL);
	printf("adapler %s, commit %s\n", ADAPLER_VERSION, adapler_commit());
	printf("kernels: %s\n", best ? best->name : "none");
	printf("BLAS: %s\n", openblas_get_config());
	if (!args.verbose)
		return 0;
	print_kernels();
	printf("processors: %d\n", pool_processors());
	print_libraries();
	return 0;
}

const struct command version_command = {
	.name = "--version",
	.summary = "version, commit, BLAS and the kernels in use",
	.usage = "[--verbose]",
	.options = options,
	.run = version_run,
};
