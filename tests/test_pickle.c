#include "../engine/pickle.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

#define STORAGE                             \
	"((U\7storagectorch\nFloatStorage\nU\1" \
	"0U\3cpuK\6tQ"
#define TENSOR "ctorch._utils\n_rebuild_tensor_v2\n" STORAGE
#define TAIL   "\211ccollections\nOrderedDict\n)RtR"

static void refused_bytes(const char *bytes, size_t size, const char *part)
{
	struct err e = {0};
	struct pickle_tensor *t;
	int count;
	CHECK(pickle_read(&t, &count, (const unsigned char *)bytes, size, "x.bin", &e) != 0);
	CHECK_CONTAINS(e.text, part);
	CHECK(t == NULL && count == 0);
}

#define REFUSED(bytes, part) refused_bytes(bytes, sizeof bytes - 1, part)

TEST(a_tensor_is_read_from_its_parts)
{
	static const char bytes[] = "\200\2}U\1a" TENSOR "K\1(K\2K\1t(K\2K\1t" TAIL "s.";
	struct err e = {0};
	struct pickle_tensor *t;
	int count;
	REQUIRE_OK(pickle_read(&t, &count, (const unsigned char *)bytes, sizeof bytes - 1, "x.bin", &e), &e);
	CHECK_INT(count, 1);
	CHECK_STR(t[0].name, "a");
	CHECK_STR(t[0].key, "0");
	CHECK_INT(t[0].dtype, DTYPE_F32);
	CHECK_INT(t[0].storage_count, 6);
	CHECK_INT(t[0].offset, 1);
	CHECK_INT(t[0].rank, 2);
	CHECK_INT(t[0].shape[0], 2);
	CHECK_INT(t[0].stride[0], 2);
	free(t);
}

TEST(an_empty_dict_has_no_tensors)
{
	struct err e = {0};
	struct pickle_tensor *t;
	int count;
	CHECK_OK(pickle_read(&t, &count, (const unsigned char *)"\200\2}.", 4, "x.bin", &e), &e);
	CHECK_INT(count, 0);
	free(t);
}

TEST(what_is_not_on_the_list_is_refused_by_its_name)
{
	REFUSED("\200\2cposix\nsystem\n(U\2lstR.", "asks for 'posix.system'");
	REFUSED("\200\2c__builtin__\neval\n.", "asks for '__builtin__.eval'");
	REFUSED("\200\4\214\5posix\214\6system\223.", "asks for 'posix.system'");
	REFUSED("\200\2ctorch\nQInt8Storage\n.", "asks for 'torch.QInt8Storage'");
	REFUSED("(iposix\nsystem\n.", "opcode INST");
	REFUSED("(ccollections\nOrderedDict\no.", "opcode OBJ");
	REFUSED("\200\2ccollections\nOrderedDict\n)\201.", "opcode NEWOBJ");
	REFUSED("\202\1.", "opcode EXT1");
	REFUSED("Px\n.", "opcode PERSID");
	REFUSED("\200\2\377.", "opcode 0xff");
}

TEST(views_that_leave_their_storage_are_refused)
{
	REFUSED("}U\1a" TENSOR "K\0(K\7t(K\1t" TAIL "s.", "larger than its storage");
	REFUSED("}U\1a" TENSOR "K\1(K\6t(K\1t" TAIL "s.", "larger than its storage");
	REFUSED("}U\1a" TENSOR "K\0(K\2K\2t(K\5K\1t" TAIL "s.", "larger than its storage");
	REFUSED("}U\1a" TENSOR "K\0(K\7K\1t(K\0K\1t" TAIL "s.", "larger than its storage"); /* expanded */
	REFUSED("}U\1a" TENSOR "K\0(J\377\377\377\377t(K\1t" TAIL "s.", "no list of sizes");
	REFUSED("}U\1a" TENSOR "J\377\377\377\377(K\1t(K\1t" TAIL "s.", "not made of");
	REFUSED("}U\1a" TENSOR "K\0(K\1K\1t(K\1t" TAIL "s.", "not as many strides");
	REFUSED("}U\1a" TENSOR "K\0(K\1K\1K\1K\1K\1K\1K\1K\1K\1t(K\1K\1K\1K\1K\1K\1K\1K\1K\1t" TAIL "s.",
	        "too many dimensions");
	REFUSED("}U\1a" TENSOR "K\0(\212\10\377\377\377\377\377\377\377\177K\2t(K\1K\1t" TAIL "s.", "impossible size");
	REFUSED("}U\1a" TENSOR "K\0(K\2t(\212\10\377\377\377\377\377\377\377\177t" TAIL "s.", "larger than its storage");
}

TEST(a_stack_that_does_not_hold_what_is_asked_for_is_refused)
{
	REFUSED("", "does not end with STOP");
	REFUSED("}", "does not end with STOP");
	REFUSED(".", "the stack is empty");
	REFUSED("(.", "the stack is empty");
	REFUSED("K\1.", "not a dict");
	REFUSED("t.", "no mark");
	REFUSED("\205.", "the stack is empty");
	REFUSED("(\205.", "a mark in it");
	REFUSED("u.", "no mark");
	REFUSED("(K\1u.", "items without a container");
	REFUSED("}(K\1u.", "a key without a value");
	REFUSED("](K\1K\1u.", "items without a container");
	REFUSED("}(K\1K\2u.", "no name");
	REFUSED("}U\1aK\2s.", "'a' in 'x.bin' is not a tensor");
	REFUSED("h\0.", "a memo slot is empty");
	REFUSED("}q\5.", "a memo slot is skipped");
	REFUSED("q\0.", "nothing to remember");
	REFUSED("X\377\377\377\377a", "in the middle of an argument");
	REFUSED("\215\377\377\377\377\377\377\377\377a", "in the middle of an argument");
	REFUSED("cabc", "a line does not end");
	REFUSED("\212\11"
	        "123456789.",
	        "more than 8 bytes");
	REFUSED(")R.", "the stack is empty");
	REFUSED("K\1)R.", "no global");
	REFUSED("ctorch\nFloatStorage\n)R.", "a call of a storage");
	REFUSED("ccollections\nOrderedDict\nK\1\205R.", "an OrderedDict with arguments");
	REFUSED("ctorch._utils\n_rebuild_parameter\n)R.", "no tensor");
	REFUSED("ctorch._utils\n_rebuild_tensor_v2\n)R.", "not made of");
	REFUSED(")Q.", "a persistent id that is not");
	REFUSED("K\1Q.", "a persistent id that is no tuple");
	REFUSED("}}U\1ab.", "a state that is no dict");
	REFUSED("K\1}b.", "no dict");
}
