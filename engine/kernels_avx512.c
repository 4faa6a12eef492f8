/* AVX-512: 12 x 32 tiles, 24 accumulators of 16 lanes. */
#include "kernels.h"

#if defined(__x86_64__)
#include "kernels_table.h"

#include <immintrin.h>

#define TABLE kernels_avx512
#define NAME  "avx512"
#define LANES 16
#define ROWS  12

typedef float vf __attribute__((vector_size(64)));
typedef uint64_t vu __attribute__((vector_size(64)));

static inline vf v_set(float a) { return _mm512_set1_ps(a); }
static inline vf v_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void v_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
static inline __mmask16 mask(int n) { return (__mmask16)(n >= 16 ? 0xffff : (1u << n) - 1); }
static inline vf v_load_n(const float *p, int n) { return _mm512_maskz_loadu_ps(mask(n), p); }
static inline void v_store_n(float *p, int n, vf a) { _mm512_mask_storeu_ps(p, mask(n), a); }
static inline vf v_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
/* When one is NaN these return the second. */
static inline vf v_max(vf a, vf b) { return _mm512_max_ps(a, b); }
static inline vf v_min(vf a, vf b) { return _mm512_min_ps(a, b); }
static inline vf v_abs(vf a) { return _mm512_abs_ps(a); }
static inline vf v_copysign(vf a, vf sign)
{
	const __m512i bit = _mm512_set1_epi32(INT32_MIN);
	return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(bit, _mm512_castps_si512(sign), _mm512_castps_si512(a), 0xca));
}
/* scalef takes the floor of its second argument: there is nothing to subtract. */
static inline vf v_fraction(vf *t) { return _mm512_reduce_ps(*t, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
static inline vf v_scale2(vf a, vf t) { return _mm512_scalef_ps(a, t); }
static inline vf v_less_select(vf a, vf b, vf yes, vf no)
{
	return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes);
}
static inline vf v_lane_numbers(void) { return _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
static inline vf v_sqrt(vf a) { return _mm512_sqrt_ps(a); }
/* Lane i where bit i is set, 0 elsewhere. */
static inline vf v_keep(vf a, unsigned bits) { return _mm512_maskz_mov_ps((__mmask16)bits, a); }
/* The product of the low halves; what the high halves hold does not matter. */
static inline vu v_mul_low(vu a, uint32_t b) { return (vu)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(b)); }
static inline float v_add_all(vf a) { return _mm512_reduce_add_ps(a); }
static inline float v_max_all(vf a) { return _mm512_reduce_max_ps(a); }

/* Rows become columns: pairs, quadruples, then blocks of four. */
static inline void v_transpose(vf a[16])
{
	vf b[16];
	for (int i = 0; i < 16; i += 2) {
		b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
		b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
	}
	for (int i = 0; i < 16; i += 4)
		for (int j = 0; j < 2; j++) {
			__m512d low = _mm512_castps_pd(b[i + j]), high = _mm512_castps_pd(b[i + j + 2]);
			a[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
			a[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
		}
	for (int i = 0; i < 4; i++) {
		b[i] = _mm512_shuffle_f32x4(a[i], a[i + 4], 0x88);
		b[i + 4] = _mm512_shuffle_f32x4(a[i], a[i + 4], 0xdd);
		b[i + 8] = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0x88);
		b[i + 12] = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0xdd);
	}
	for (int i = 0; i < 8; i++) {
		a[i] = _mm512_shuffle_f32x4(b[i], b[i + 8], 0x88);
		a[i + 8] = _mm512_shuffle_f32x4(b[i], b[i + 8], 0xdd);
	}
}

static int is_available(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
}

#include "kernels_simd.h"
#endif
