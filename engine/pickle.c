/* A pickle is a program for a stack machine. Each opcode that torch.save uses for a state dict is a row of a table; the
 * values it can make are few, and a call (REDUCE) is a switch over the globals we know, never a call of anything. */
#include "pickle.h"

#include <stdlib.h>
#include <string.h>

enum kind {
	KIND_NONE, /* None, floats and whatever else has no use here */
	KIND_MARK,
	KIND_INT, /* and bool */
	KIND_TEXT,
	KIND_TUPLE, /* and list: a vector of values */
	KIND_DICT,  /* keys and values by turns */
	KIND_GLOBAL,
	KIND_STORAGE,
	KIND_TENSOR,
};

enum global {
	GLOBAL_ORDERED_DICT,
	GLOBAL_REBUILD_TENSOR,
	GLOBAL_REBUILD_PARAMETER,
	GLOBAL_STORAGE, /* the first of the storages */
};

static const struct {
	const char *module, *name;
	enum global meaning;
	enum dtype dtype;
	int element_bytes;
} globals[] = {
	{"collections", "OrderedDict", GLOBAL_ORDERED_DICT, DTYPE_OTHER, 0},
	{"torch._utils", "_rebuild_tensor_v2", GLOBAL_REBUILD_TENSOR, DTYPE_OTHER, 0},
	{"torch._utils", "_rebuild_parameter", GLOBAL_REBUILD_PARAMETER, DTYPE_OTHER, 0},
	{"torch", "FloatStorage", GLOBAL_STORAGE, DTYPE_F32, 4},
	{"torch", "HalfStorage", GLOBAL_STORAGE, DTYPE_F16, 2},
	{"torch", "BFloat16Storage", GLOBAL_STORAGE, DTYPE_BF16, 2},
	{"torch", "DoubleStorage", GLOBAL_STORAGE, DTYPE_F64, 8},
	{"torch", "LongStorage", GLOBAL_STORAGE, DTYPE_I64, 8},
	{"torch", "IntStorage", GLOBAL_STORAGE, DTYPE_OTHER, 4},
	{"torch", "ShortStorage", GLOBAL_STORAGE, DTYPE_OTHER, 2},
	{"torch", "CharStorage", GLOBAL_STORAGE, DTYPE_OTHER, 1},
	{"torch", "ByteStorage", GLOBAL_STORAGE, DTYPE_OTHER, 1},
	{"torch", "BoolStorage", GLOBAL_STORAGE, DTYPE_OTHER, 1},
};
enum { GLOBALS = sizeof globals / sizeof globals[0] };

struct vector;

/* Small enough to copy; what is pointed at belongs to the machine and lives as long as it does. */
struct value {
	enum kind kind;
	union {
		int64_t number;
		int global; /* in globals[] */
		struct {
			const char *bytes; /* in the pickle */
			size_t size;
		} text;
		struct vector *vector;
		struct pickle_tensor *tensor; /* a storage is a tensor without a shape */
	} as;
};

struct vector {
	struct value *items;
	size_t count, capacity;
};

/* Whatever is allocated hangs on one list and is freed together at the end. */
struct block {
	struct block *next;
	struct vector vector;          /* of a tuple, list or dict, or */
	struct pickle_tensor tensor[]; /* one, or none for vectors */
};

/* Far above any state dict; together they bound what a hostile pickle can make us allocate. */
enum { PICKLE_BYTES_MAX = 8 << 20, VALUES_MAX = 1 << 21, BLOCKS_MAX = 1 << 19, TENSORS_MAX = 1 << 16 };

struct machine {
	const unsigned char *at, *begin, *end;
	struct vector stack, memo;
	struct block *blocks;
	int block_count;
	const char *name;
	struct err *e;
};

/* ---- faults ---- */

static int fault(const struct machine *m, const char *what)
{
	return err_set(m->e, ERR_FORMAT, "damaged pickle in '%s' at byte %td: %s", m->name, m->at - m->begin, what);
}

static int out_of_memory(const struct machine *m)
{
	return err_set(m->e, ERR_MEMORY, "out of memory for the pickle in '%s'", m->name);
}

/* ---- memory ---- */

static int vector_add(struct machine *m, struct vector *v, struct value value)
{
	if (v->count == VALUES_MAX)
		return fault(m, "too many values");
	if (v->count == v->capacity) {
		size_t capacity = v->capacity ? v->capacity * 2 : 4;
		struct value *items = realloc(v->items, capacity * sizeof *items);
		if (!items)
			return out_of_memory(m);
		v->items = items;
		v->capacity = capacity;
	}
	v->items[v->count++] = value;
	return 0;
}

static int block_new(struct machine *m, int is_tensor, struct block **out)
{
	if (m->block_count++ == BLOCKS_MAX)
		return fault(m, "too many containers");
	struct block *b = calloc(1, sizeof *b + (is_tensor ? sizeof b->tensor[0] : 0));
	if (!b)
		return out_of_memory(m);
	b->next = m->blocks;
	*out = m->blocks = b;
	return 0;
}

static int push(struct machine *m, struct value value) { return vector_add(m, &m->stack, value); }

static int push_number(struct machine *m, int64_t number)
{
	return push(m, (struct value){KIND_INT, {.number = number}});
}

/* Marks are no values: popping one is a fault, as is an empty stack. */
static int pop(struct machine *m, struct value *out)
{
	*out = (struct value){0};
	if (!m->stack.count || m->stack.items[m->stack.count - 1].kind == KIND_MARK)
		return fault(m, "the stack is empty");
	*out = m->stack.items[--m->stack.count];
	return 0;
}

static int pop_kind(struct machine *m, enum kind kind, const char *what, struct value *out)
{
	int code = pop(m, out);
	return code ? code : out->kind == kind ? 0 : fault(m, what);
}

static int push_vector(struct machine *m, enum kind kind)
{
	struct block *b = NULL;
	int code = block_new(m, 0, &b);
	return code ? code : push(m, (struct value){kind, {.vector = &b->vector}});
}

/* ---- reading ---- */

static int read_bytes(struct machine *m, size_t size, const unsigned char **out)
{
	if (size > (size_t)(m->end - m->at))
		return fault(m, "it ends in the middle of an argument");
	*out = m->at;
	m->at += size;
	return 0;
}

static int read_number(struct machine *m, int bytes, uint64_t *out)
{
	const unsigned char *at = NULL;
	int code = read_bytes(m, (size_t)bytes, &at);
	*out = 0;
	for (int i = bytes - 1; !code && i >= 0; i--)
		*out = *out << 8 | at[i];
	return code;
}

/* A line of text, as the old opcodes have it. */
static int read_line(struct machine *m, const char **text, size_t *size)
{
	const unsigned char *end = memchr(m->at, '\n', (size_t)(m->end - m->at));
	if (!end)
		return fault(m, "a line does not end");
	*text = (const char *)m->at;
	*size = (size_t)(end - m->at);
	m->at = end + 1;
	return 0;
}

/* ---- opcodes: `argument` is the row's ---- */

typedef int opcode(struct machine *m, int argument);

static int op_skip(struct machine *m, int bytes)
{
	const unsigned char *at;
	return read_bytes(m, (size_t)bytes, &at);
}

static int op_none(struct machine *m, int argument)
{
	return (void)argument, push(m, (struct value){.kind = KIND_NONE});
}
static int op_mark(struct machine *m, int argument)
{
	return (void)argument, push(m, (struct value){.kind = KIND_MARK});
}
static int op_constant(struct machine *m, int argument) { return push_number(m, argument); }

static int op_float(struct machine *m, int argument)
{
	int code = op_skip(m, 8);
	return code ? code : op_none(m, argument);
}

static int op_integer(struct machine *m, int bytes)
{
	uint64_t x;
	int code = read_number(m, bytes, &x);
	return code ? code : push_number(m, bytes == 4 ? (int32_t)(uint32_t)x : (int64_t)x);
}

/* LONG1: a count, then as many bytes of a two's complement number. */
static int op_long(struct machine *m, int argument)
{
	uint64_t bytes, x;
	(void)argument;
	int code = read_number(m, 1, &bytes);
	if (!code && bytes > 8)
		code = fault(m, "an integer of more than 8 bytes");
	if (!code)
		code = read_number(m, (int)bytes, &x);
	if (code)
		return code;
	if (bytes && bytes < 8 && x >> (bytes * 8 - 1))
		x |= UINT64_MAX << bytes * 8;
	return push_number(m, (int64_t)x);
}

static int op_text(struct machine *m, int bytes)
{
	const unsigned char *at = NULL;
	uint64_t size;
	int code = read_number(m, bytes, &size);
	if (!code)
		code = read_bytes(m, (size_t)size, &at);
	return code ? code : push(m, (struct value){KIND_TEXT, {.text = {(const char *)at, (size_t)size}}});
}

static int op_container(struct machine *m, int kind) { return push_vector(m, (enum kind)kind); }

/* Moves the topmost `count` values into the vector. */
static int take(struct machine *m, struct vector *v, size_t count)
{
	int code = 0;
	for (size_t i = m->stack.count - count; !code && i < m->stack.count; i++)
		code = vector_add(m, v, m->stack.items[i]);
	m->stack.count -= count;
	return code;
}

/* How many values lie above the topmost mark. */
static int above_mark(struct machine *m, size_t *count)
{
	for (*count = 0; *count < m->stack.count; ++*count)
		if (m->stack.items[m->stack.count - 1 - *count].kind == KIND_MARK)
			return 0;
	return fault(m, "no mark on the stack");
}

static int make_tuple(struct machine *m, size_t count, int marks)
{
	struct block *b = NULL;
	int code = m->stack.count < count ? fault(m, "the stack is empty") : block_new(m, 0, &b);
	for (size_t i = 0; !code && i < count; i++)
		if (m->stack.items[m->stack.count - 1 - i].kind == KIND_MARK)
			code = fault(m, "a tuple with a mark in it");
	if (!code)
		code = take(m, &b->vector, count);
	if (code)
		return code;
	m->stack.count -= (size_t)marks;
	return push(m, (struct value){KIND_TUPLE, {.vector = &b->vector}});
}

static int op_small_tuple(struct machine *m, int count) { return make_tuple(m, (size_t)count, 0); }

static int op_tuple(struct machine *m, int argument)
{
	size_t count = 0;
	(void)argument;
	int code = above_mark(m, &count);
	return code ? code : make_tuple(m, count, 1);
}

/* APPEND(S) and SETITEM(S): one item (or pair), or everything above the mark, goes into the container below. */
static int fill(struct machine *m, enum kind kind, size_t count, int marks)
{
	size_t below = count + (size_t)marks + 1;
	if (m->stack.count < below || m->stack.items[m->stack.count - below].kind != kind)
		return fault(m, "items without a container");
	if (kind == KIND_DICT && count % 2)
		return fault(m, "a key without a value");
	struct vector *v = m->stack.items[m->stack.count - below].as.vector;
	int code = take(m, v, count);
	m->stack.count -= (size_t)marks;
	return code;
}

static int op_fill_one(struct machine *m, int kind) { return fill(m, (enum kind)kind, kind == KIND_DICT ? 2 : 1, 0); }

static int op_fill(struct machine *m, int kind)
{
	size_t count = 0;
	int code = above_mark(m, &count);
	return code ? code : fill(m, (enum kind)kind, count, 1);
}

/* ---- memo ---- */

static int remember(struct machine *m, uint64_t slot)
{
	if (!m->stack.count || m->stack.items[m->stack.count - 1].kind == KIND_MARK)
		return fault(m, "nothing to remember");
	if (slot > m->memo.count)
		return fault(m, "a memo slot is skipped");
	if (slot == m->memo.count)
		return vector_add(m, &m->memo, m->stack.items[m->stack.count - 1]);
	m->memo.items[slot] = m->stack.items[m->stack.count - 1];
	return 0;
}

static int op_put(struct machine *m, int bytes)
{
	uint64_t slot;
	int code = read_number(m, bytes, &slot);
	return code ? code : remember(m, slot);
}

static int op_memoize(struct machine *m, int argument) { return (void)argument, remember(m, m->memo.count); }

static int op_get(struct machine *m, int bytes)
{
	uint64_t slot;
	int code = read_number(m, bytes, &slot);
	if (!code && slot >= m->memo.count)
		code = fault(m, "a memo slot is empty");
	return code ? code : push(m, m->memo.items[slot]);
}

/* ---- globals and calls ---- */

static int is_text(const char *text, const char *bytes, size_t size)
{
	return strlen(text) == size && !memcmp(text, bytes, size);
}

static int push_global(struct machine *m, const char *module, size_t module_size, const char *name, size_t name_size)
{
	for (int i = 0; i < GLOBALS; i++)
		if (is_text(globals[i].module, module, module_size) && is_text(globals[i].name, name, name_size))
			return push(m, (struct value){KIND_GLOBAL, {.global = i}});
	return err_set(
		m->e, ERR_UNSUPPORTED,
		"the pickle in '%s' asks for '%.*s.%.*s', which is not among what a plain state dict needs; nothing of "
		"it was run (save model.state_dict() alone, or use safetensors)",
		m->name, module_size > 80 ? 80 : (int)module_size, module, name_size > 80 ? 80 : (int)name_size, name);
}

static int op_global(struct machine *m, int argument)
{
	const char *module = NULL, *name = NULL;
	size_t module_size = 0, name_size = 0;
	(void)argument;
	int code = read_line(m, &module, &module_size);
	if (!code)
		code = read_line(m, &name, &name_size);
	return code ? code : push_global(m, module, module_size, name, name_size);
}

static int op_stack_global(struct machine *m, int argument)
{
	struct value module, name;
	(void)argument;
	int code = pop_kind(m, KIND_TEXT, "a global whose name is no text", &name);
	if (!code)
		code = pop_kind(m, KIND_TEXT, "a global whose module is no text", &module);
	return code ? code
	            : push_global(m, module.as.text.bytes, module.as.text.size, name.as.text.bytes, name.as.text.size);
}

static const struct value *argument_of(const struct vector *v, size_t i, enum kind kind)
{
	return i < v->count && v->items[i].kind == kind ? &v->items[i] : NULL;
}

/* ('storage', type, key, location, count): the persistent id that torch gives a storage. */
static int op_storage(struct machine *m, int argument)
{
	struct value id;
	struct block *b = NULL;
	(void)argument;
	int code = pop_kind(m, KIND_TUPLE, "a persistent id that is no tuple", &id);
	if (code)
		return code;
	const struct vector *v = id.as.vector;
	const struct value *kind = argument_of(v, 0, KIND_TEXT), *type = argument_of(v, 1, KIND_GLOBAL),
					   *key = argument_of(v, 2, KIND_TEXT), *count = argument_of(v, 4, KIND_INT);
	if (!kind || !is_text("storage", kind->as.text.bytes, kind->as.text.size) || !type || !key || !count ||
	    globals[type->as.global].meaning != GLOBAL_STORAGE || count->as.number < 0)
		return fault(m, "a persistent id that is not ('storage', type, key, location, count)");
	if (key->as.text.size == 0 || key->as.text.size >= PICKLE_KEY_SIZE)
		return fault(m, "a storage key of impossible length");
	if ((code = block_new(m, 1, &b)))
		return code;
	memcpy(b->tensor->key, key->as.text.bytes, key->as.text.size);
	b->tensor->dtype = globals[type->as.global].dtype;
	b->tensor->element_bytes = globals[type->as.global].element_bytes;
	b->tensor->storage_count = count->as.number;
	return push(m, (struct value){KIND_STORAGE, {.tensor = b->tensor}});
}

/* Bounds are checked here once: no element of the view lies outside the storage, and no more of them are in the view
 * than in the storage (an expanded view could be of any size). */
static int check_view(const struct machine *m, const struct pickle_tensor *t)
{
	int64_t last = t->offset, count = 1, reach;
	for (int i = 0; i < t->rank; i++)
		if (__builtin_mul_overflow(count, t->shape[i], &count))
			return fault(m, "a tensor of impossible size");
	if (count == 0)
		return 0;
	for (int i = 0; i < t->rank; i++)
		if (__builtin_mul_overflow(t->shape[i] - 1, t->stride[i], &reach) || __builtin_add_overflow(last, reach, &last))
			return fault(m, "a tensor of impossible size");
	return last >= t->storage_count || count > t->storage_count ? fault(m, "a tensor larger than its storage") : 0;
}

static int read_dimensions(const struct machine *m, const struct vector *v, int64_t *out)
{
	for (size_t i = 0; i < v->count; i++) {
		if (v->items[i].kind != KIND_INT || v->items[i].as.number < 0)
			return fault(m, "a shape or stride that is no list of sizes");
		out[i] = v->items[i].as.number;
	}
	return 0;
}

/* _rebuild_tensor_v2(storage, offset, shape, stride, requires_grad, hooks) */
static int rebuild_tensor(struct machine *m, const struct vector *v)
{
	const struct value *storage = argument_of(v, 0, KIND_STORAGE), *offset = argument_of(v, 1, KIND_INT),
					   *shape = argument_of(v, 2, KIND_TUPLE), *stride = argument_of(v, 3, KIND_TUPLE);
	struct block *b = NULL;
	if (!storage || !offset || !shape || !stride || offset->as.number < 0)
		return fault(m, "a tensor that is not made of (storage, offset, shape, stride)");
	if (shape->as.vector->count > TENSOR_RANK_MAX || shape->as.vector->count != stride->as.vector->count)
		return fault(m, "a tensor with too many dimensions, or not as many strides");
	int code = block_new(m, 1, &b);
	if (code)
		return code;
	b->tensor[0] = *storage->as.tensor;
	b->tensor->offset = offset->as.number;
	b->tensor->rank = (int)shape->as.vector->count;
	code = read_dimensions(m, shape->as.vector, b->tensor->shape);
	if (!code)
		code = read_dimensions(m, stride->as.vector, b->tensor->stride);
	if (!code)
		code = check_view(m, b->tensor);
	return code ? code : push(m, (struct value){KIND_TENSOR, {.tensor = b->tensor}});
}

static int op_reduce(struct machine *m, int argument)
{
	struct value arguments, function;
	(void)argument;
	int code = pop_kind(m, KIND_TUPLE, "a call whose arguments are no tuple", &arguments);
	if (!code)
		code = pop_kind(m, KIND_GLOBAL, "a call of something that is no global", &function);
	if (code)
		return code;
	switch (globals[function.as.global].meaning) {
	case GLOBAL_ORDERED_DICT:
		return arguments.as.vector->count ? fault(m, "an OrderedDict with arguments") : push_vector(m, KIND_DICT);
	case GLOBAL_REBUILD_TENSOR: return rebuild_tensor(m, arguments.as.vector);
	case GLOBAL_REBUILD_PARAMETER:
		if (!argument_of(arguments.as.vector, 0, KIND_TENSOR))
			return fault(m, "a parameter that is no tensor");
		return push(m, arguments.as.vector->items[0]);
	case GLOBAL_STORAGE: break;
	}
	return fault(m, "a call of a storage");
}

/* A state dict has an attribute of its own, _metadata; it is dropped. */
static int op_build(struct machine *m, int argument)
{
	struct value state;
	(void)argument;
	int code = pop_kind(m, KIND_DICT, "a state that is no dict", &state);
	if (!code && (!m->stack.count || m->stack.items[m->stack.count - 1].kind != KIND_DICT))
		code = fault(m, "a state for something that is no dict");
	return code;
}

/* ---- the table ---- */

static const struct {
	unsigned char code;
	const char *name;
	opcode *run; /* NULL: known by name, and refused */
	int argument;
} opcodes[] = {
	{0x80, "PROTO", op_skip, 1},
	{0x95, "FRAME", op_skip, 8},
	{'(', "MARK", op_mark, 0},
	{'N', "NONE", op_none, 0},
	{0x88, "NEWTRUE", op_constant, 1},
	{0x89, "NEWFALSE", op_constant, 0},
	{'J', "BININT", op_integer, 4},
	{'K', "BININT1", op_integer, 1},
	{'M', "BININT2", op_integer, 2},
	{0x8a, "LONG1", op_long, 0},
	{'G', "BINFLOAT", op_float, 0},
	{'X', "BINUNICODE", op_text, 4},
	{0x8c, "SHORT_BINUNICODE", op_text, 1},
	{0x8d, "BINUNICODE8", op_text, 8},
	{'T', "BINSTRING", op_text, 4},
	{'U', "SHORT_BINSTRING", op_text, 1},
	{')', "EMPTY_TUPLE", op_small_tuple, 0},
	{0x85, "TUPLE1", op_small_tuple, 1},
	{0x86, "TUPLE2", op_small_tuple, 2},
	{0x87, "TUPLE3", op_small_tuple, 3},
	{'t', "TUPLE", op_tuple, 0},
	{'}', "EMPTY_DICT", op_container, KIND_DICT},
	{'s', "SETITEM", op_fill_one, KIND_DICT},
	{'u', "SETITEMS", op_fill, KIND_DICT},
	{']', "EMPTY_LIST", op_container, KIND_TUPLE},
	{'a', "APPEND", op_fill_one, KIND_TUPLE},
	{'e', "APPENDS", op_fill, KIND_TUPLE},
	{'q', "BINPUT", op_put, 1},
	{'r', "LONG_BINPUT", op_put, 4},
	{0x94, "MEMOIZE", op_memoize, 0},
	{'h', "BINGET", op_get, 1},
	{'j', "LONG_BINGET", op_get, 4},
	{'c', "GLOBAL", op_global, 0},
	{0x93, "STACK_GLOBAL", op_stack_global, 0},
	{'Q', "BINPERSID", op_storage, 0},
	{'R', "REDUCE", op_reduce, 0},
	{'b', "BUILD", op_build, 0},
	{'i', "INST", NULL, 0},
	{'o', "OBJ", NULL, 0},
	{0x81, "NEWOBJ", NULL, 0},
	{0x92, "NEWOBJ_EX", NULL, 0},
	{0x82, "EXT1", NULL, 0},
	{0x83, "EXT2", NULL, 0},
	{0x84, "EXT4", NULL, 0},
	{'P', "PERSID", NULL, 0},
	{0x97, "NEXT_BUFFER", NULL, 0},
};
enum { OPCODES = sizeof opcodes / sizeof opcodes[0] };

static int step(struct machine *m, unsigned char code)
{
	for (int i = 0; i < OPCODES; i++)
		if (opcodes[i].code == code && opcodes[i].run)
			return opcodes[i].run(m, opcodes[i].argument);
		else if (opcodes[i].code == code)
			return err_set(m->e, ERR_UNSUPPORTED,
			               "the pickle in '%s' uses the opcode %s, which no state dict needs; "
			               "nothing of it was run",
			               m->name, opcodes[i].name);
	return err_set(m->e, ERR_UNSUPPORTED,
	               "the pickle in '%s' uses the opcode 0x%02x, which no state dict needs; nothing "
	               "of it was run",
	               m->name, code);
}

static int run(struct machine *m)
{
	while (m->at < m->end) {
		unsigned char code = *m->at++;
		if (code == '.')
			return 0;
		int fault_code = step(m, code);
		if (fault_code)
			return fault_code;
	}
	return fault(m, "it does not end with STOP");
}

/* ---- the result ---- */

static int collect(const struct machine *m, const struct vector *dict, struct pickle_tensor *out, int *count)
{
	for (size_t i = 0; i + 1 < dict->count; i += 2) {
		const struct value *key = &dict->items[i], *value = &dict->items[i + 1];
		if (key->kind != KIND_TEXT || key->as.text.size >= TENSOR_NAME_SIZE || !key->as.text.size ||
		    memchr(key->as.text.bytes, 0, key->as.text.size))
			return fault(m, "a key of the state dict is no name");
		if (value->kind != KIND_TENSOR)
			return err_set(m->e, ERR_FORMAT, "'%.*s' in '%s' is not a tensor: expected a plain state dict",
			               (int)key->as.text.size, key->as.text.bytes, m->name);
		out[*count] = *value->as.tensor;
		memcpy(out[*count].name, key->as.text.bytes, key->as.text.size);
		out[(*count)++].name[key->as.text.size] = '\0';
	}
	return 0;
}

static int result(struct machine *m, struct pickle_tensor **tensors, int *count)
{
	struct value root;
	int code = pop_kind(m, KIND_DICT, "the whole is not a dict of names to tensors", &root);
	if (code)
		return code;
	if (root.as.vector->count / 2 > TENSORS_MAX)
		return err_set(m->e, ERR_LIMIT, "more than %d tensors in '%s'", TENSORS_MAX, m->name);
	*tensors = calloc(root.as.vector->count / 2 + 1, sizeof **tensors);
	return *tensors ? collect(m, root.as.vector, *tensors, count) : out_of_memory(m);
}

static void machine_free(struct machine *m)
{
	for (struct block *b = m->blocks, *next; b; b = next) {
		next = b->next;
		free(b->vector.items);
		free(b);
	}
	free(m->stack.items);
	free(m->memo.items);
}

int pickle_read(struct pickle_tensor **tensors, int *count, const unsigned char *data, size_t size, const char *name,
                struct err *e)
{
	struct machine m = {.at = data, .begin = data, .end = data + size, .name = name, .e = e};
	*tensors = NULL;
	*count = 0;
	if (size > PICKLE_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "pickle of %zu bytes in '%s', expected at most %d", size, name, PICKLE_BYTES_MAX);
	int code = run(&m);
	if (!code)
		code = result(&m, tensors, count);
	machine_free(&m);
	if (code) {
		free(*tensors);
		*tensors = NULL;
		*count = 0;
	}
	return code;
}
