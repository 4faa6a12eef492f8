/* AVX2 with FMA: 6 x 16 tiles, 12 accumulators of 8 lanes. */
#include "kernels.h"

#if defined(__x86_64__)
#include "kernels_table.h"

#include <immintrin.h>

#define TABLE kernels_avx2
#define NAME  "avx2"
#define LANES 8
#define ROWS  6

typedef float vf __attribute__((vector_size(32)));
typedef uint64_t vu __attribute__((vector_size(32)));

static inline vf v_set(float a) { return _mm256_set1_ps(a); }
static inline vf v_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void v_store(float *p, vf a) { _mm256_storeu_ps(p, a); }
static inline __m256i mask(int n)
{
	return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline vf v_load_n(const float *p, int n) { return _mm256_maskload_ps(p, mask(n)); }
static inline void v_store_n(float *p, int n, vf a) { _mm256_maskstore_ps(p, mask(n), a); }
static inline vf v_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
/* When one is NaN these return the second. */
static inline vf v_max(vf a, vf b) { return _mm256_max_ps(a, b); }
static inline vf v_min(vf a, vf b) { return _mm256_min_ps(a, b); }
static inline vf v_abs(vf a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
static inline vf v_copysign(vf a, vf sign)
{
	return _mm256_or_ps(v_abs(a), _mm256_and_ps(_mm256_set1_ps(-0.0f), sign));
}
/* t becomes its floor; what is returned is t minus that. */
static inline vf v_fraction(vf *t)
{
	vf x = v_max(v_set(-160.0f), *t);
	*t = _mm256_floor_ps(x);
	return x - *t;
}
/* a 2^n, 0 for n <= -127. */
static inline vf v_scale2(vf a, vf n)
{
	__m256i e = _mm256_cvtps_epi32(v_max(v_set(-127.0f), n));
	return a * _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(e, _mm256_set1_epi32(127)), 23));
}
static inline vf v_less_select(vf a, vf b, vf yes, vf no)
{
	return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
static inline vf v_lane_numbers(void) { return _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7); }
static inline vf v_sqrt(vf a) { return _mm256_sqrt_ps(a); }
/* Lane i where bit i is set, 0 elsewhere. */
static inline vf v_keep(vf a, unsigned bits)
{
	const __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
	__m256i b = _mm256_and_si256(_mm256_set1_epi32((int)bits), lane);
	return _mm256_and_ps(a, _mm256_castsi256_ps(_mm256_cmpeq_epi32(b, lane)));
}
/* The product of the low halves; what the high halves hold does not matter. */
static inline vu v_mul_low(vu a, uint32_t b) { return (vu)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(b)); }
static inline float v_add_all(vf a)
{
	__m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
	s = _mm_add_ps(s, _mm_movehl_ps(s, s));
	return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
static inline float v_max_all(vf a)
{
	__m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
	s = _mm_max_ps(s, _mm_movehl_ps(s, s));
	return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

static inline void v_transpose(vf a[8])
{
	vf b[8];
	for (int i = 0; i < 8; i += 2) {
		b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
		b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
	}
	for (int i = 0; i < 8; i += 4)
		for (int j = 0; j < 2; j++) {
			__m256d low = _mm256_castps_pd(b[i + j]), high = _mm256_castps_pd(b[i + j + 2]);
			a[i + 2 * j] = _mm256_castpd_ps(_mm256_unpacklo_pd(low, high));
			a[i + 2 * j + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(low, high));
		}
	for (int i = 0; i < 4; i++) {
		vf low = a[i], high = a[i + 4];
		a[i] = _mm256_permute2f128_ps(low, high, 0x20);
		a[i + 4] = _mm256_permute2f128_ps(low, high, 0x31);
	}
}

static int is_available(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

#include "kernels_simd.h"
#endif
