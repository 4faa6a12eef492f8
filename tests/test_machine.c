#include "../engine/base/machine.h"

#include "test.h"

#include <string.h>

TEST(the_processor_has_a_name_on_one_line_or_is_unknown)
{
	char name[200] = "";
	machine_cpu(name, sizeof name);
	CHECK(*name && !strpbrk(name, "\n\t:") && *name != ' ');
}

TEST(a_long_name_is_cut)
{
	char name[4];
	machine_cpu(name, sizeof name);
	CHECK_INT((long long)strlen(name), 3);
}
