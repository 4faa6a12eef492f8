/* A specification of arbitrary bytes; what is accepted has cells that an evaluation could begin with. */
#include "../../eval/sweep.h"

#include "../../engine/base/err.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct sweep s;
	if (sweep_parse(&s, (const char *)data, size, "x", &e)) {
		if (!e.text[0] || s.cells)
			abort();
		return 0;
	}
	if (s.count < 1)
		abort();
	for (int i = 0; i < s.count; i++) {
		struct policy p;
		const struct cell *c = &s.cells[i];
		if (!c->task || !c->data || !c->model || !c->family || c->batch < 1 || c->turns < 0 ||
		    policy_parse(&p, c->policy, NULL))
			abort();
	}
	sweep_free(&s);
	return 0;
}
