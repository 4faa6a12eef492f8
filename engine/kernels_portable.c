/* Plain C over the compilers' vector extension: 6 x 8 tiles of 4 lanes, whatever the processor. */
#include "kernels_table.h"

#include <math.h>
#include <string.h>

#define TABLE kernels_portable
#define NAME  "portable"
#define LANES 4
#define ROWS  6

typedef float vf __attribute__((vector_size(16)));
typedef int32_t vi __attribute__((vector_size(16)));
typedef uint64_t vu __attribute__((vector_size(16)));

static inline vf v_set(float a) { return (vf){a, a, a, a}; }
static inline vf v_load(const float *p)
{
	vf a;
	memcpy(&a, p, sizeof a);
	return a;
}
static inline void v_store(float *p, vf a) { memcpy(p, &a, sizeof a); }
/* A whole vector by itself: a copy of a length unknown is a call. n & 3: or the compiler fears a negative one. */
static inline vf v_load_n(const float *p, int n)
{
	if (n >= LANES)
		return v_load(p);
	vf a = v_set(0.0f);
	memcpy(&a, p, (size_t)(n & 3) * sizeof *p);
	return a;
}
static inline void v_store_n(float *p, int n, vf a)
{
	if (n >= LANES)
		v_store(p, a);
	else
		memcpy(p, &a, (size_t)(n & 3) * sizeof *p);
}
static inline vf v_fma(vf a, vf b, vf c) { return a * b + c; }
static inline vf v_select(vi mask, vf yes, vf no) { return (vf)((mask & (vi)yes) | (~mask & (vi)no)); }
static inline vf v_less_select(vf a, vf b, vf yes, vf no) { return v_select(a < b, yes, no); }
/* When one is NaN these return the second. */
static inline vf v_max(vf a, vf b) { return v_select(a > b, a, b); }
static inline vf v_min(vf a, vf b) { return v_select(a < b, a, b); }
static inline vf v_abs(vf a) { return (vf)((vi)a & INT32_MAX); }
static inline vf v_copysign(vf a, vf sign) { return (vf)(((vi)a & INT32_MAX) | ((vi)sign & INT32_MIN)); }
/* t becomes its floor; what is returned is t minus that. Adding 1.5 2^23 rounds to the nearest integer. */
static inline vf v_fraction(vf *t)
{
	vf x = v_max(v_set(-160.0f), *t), n = (x + 12582912.0f) - 12582912.0f;
	*t = v_less_select(x, n, n - 1.0f, n);
	return x - *t;
}
/* a 2^n, 0 for n <= -127. The same constant leaves the integer in the low bits. */
static inline vf v_scale2(vf a, vf n)
{
	vi e = (vi)(v_max(v_set(-127.0f), n) + (12582912.0f + 127.0f));
	return a * (vf)(e << 23);
}
static inline vf v_lane_numbers(void) { return (vf){0, 1, 2, 3}; }
static inline vf v_sqrt(vf a) { return (vf){sqrtf(a[0]), sqrtf(a[1]), sqrtf(a[2]), sqrtf(a[3])}; }
/* Lane i where bit i is set, 0 elsewhere. */
static inline vf v_keep(vf a, unsigned bits)
{
	const vi lane = {1, 2, 4, 8};
	int b = (int)bits;
	return (vf)((vi)a & (((vi){b, b, b, b} & lane) == lane));
}
/* The product of the low halves; what the high halves hold does not matter. */
static inline vu v_mul_low(vu a, uint32_t b) { return (a & 0xffffffff) * b; }
static inline float v_add_all(vf a) { return (a[0] + a[2]) + (a[1] + a[3]); }
static inline float v_max_all(vf a) { return fmaxf(fmaxf(a[0], a[2]), fmaxf(a[1], a[3])); }

static inline void v_transpose(vf a[4])
{
	vf b[4];
	for (int i = 0; i < 4; i++)
		b[i] = (vf){a[0][i], a[1][i], a[2][i], a[3][i]};
	memcpy(a, b, sizeof b);
}

static int is_available(void) { return 1; }

#include "kernels_simd.h"
