#include "../engine/zip.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static struct file_map map;
static unsigned char *copy;

/* A file of torch's own making, to be damaged. */
static int load(void)
{
	struct err e = {0};
	if (!CHECK_OK(file_map_open(&map, "tests/golden/torch/views-2.bin", &e), &e))
		return 0;
	copy = malloc(map.size);
	memcpy(copy, map.data, map.size);
	return 1;
}

static void unload(void)
{
	free(copy);
	file_map_close(&map);
}

static void refused(size_t size, const char *part)
{
	struct err e = {0};
	struct zip z;
	CHECK(zip_open(&z, copy, size, "x.bin", &e) != 0);
	CHECK_CONTAINS(e.text, part);
	CHECK(z.entries == NULL);
}

static unsigned char *find(const char *signature)
{
	for (size_t i = map.size - 4;; i--)
		if (!memcmp(copy + i, signature, 4))
			return copy + i;
}

TEST(an_archive_of_torch_opens)
{
	struct err e = {0};
	struct zip z;
	REQUIRE(load());
	REQUIRE_OK(zip_open(&z, copy, map.size, "x.bin", &e), &e);
	struct zip_entry *x = zip_find(&z, "views-2/version");
	REQUIRE(x != NULL);
	CHECK(x->size >= 1 && x->data[0] == '3');
	CHECK(zip_entry_is_whole(x));
	CHECK(zip_find(&z, "views-2/versio") == NULL);
	CHECK(zip_find(&z, "") == NULL);
	struct zip_entry *pickle = zip_find(&z, "views-2/data.pkl");
	REQUIRE(pickle != NULL);
	copy[pickle->data - copy] ^= 1;
	CHECK(!zip_entry_is_whole(pickle));
	zip_close(&z);
	unload();
}

TEST(every_truncation_is_noticed)
{
	REQUIRE(load());
	for (size_t size = 0; size < map.size; size += size < 100 ? 1 : 37)
		refused(size, "damaged zip archive");
	refused(map.size - 1, "damaged zip archive");
	unload();
}

TEST(directories_that_lie_are_refused)
{
	REQUIRE(load());
	unsigned char *end = find("PK\6\6"), *central = find("PK\1\2"), kept[64]; /* torch writes the 64-bit form */
	memcpy(kept, end, 56);
	memset(end + 40, 0xff, 8);
	refused(map.size, "directory runs past");
	memcpy(end, kept, 56);
	memset(end + 32, 0xff, 8);
	refused(map.size, "more entries than bytes");
	memcpy(end, kept, 56);
	end[32]++;
	refused(map.size, "fewer entries than it says");
	memcpy(end, kept, 56);
	end[0]++;
	refused(map.size, "where its locator points");
	end[0]--;
	memcpy(kept, central, 46);
	central[10] = 8;
	refused(map.size, "compressed entry");
	memcpy(central, kept, 46);
	central[8] = 1;
	refused(map.size, "encrypted entry");
	memcpy(central, kept, 46);
	central[42]++;
	refused(map.size, "does not begin where the directory says");
	memcpy(central, kept, 46);
	memset(central + 20, 0x7f, 8);
	refused(map.size, "runs past the end of the file");
	memcpy(central, kept, 46);
	memset(central + 20, 0xff, 8); /* stands in a 64-bit field, which is not there */
	refused(map.size, "");
	memcpy(central, kept, 46);
	central[28] = 0xff;
	refused(map.size, "damaged");
	unload();
}
