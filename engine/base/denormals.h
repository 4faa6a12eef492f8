/* Numbers below 2^-126 as 0, for as long as a calculation lasts.
 *
 * Soft removal leaves probabilities and gradients that fade out through that range, and processors take a hundred times
 * as long for each: training AdapLeR on long texts ran at a third of its speed. Threads inherit the setting of the one
 * that starts them. NaN and infinities stay what they are. On other processors than these nothing happens. */
#ifndef ADAPLER_BASE_DENORMALS_H
#define ADAPLER_BASE_DENORMALS_H

#include <stdint.h>

#if defined(__x86_64__)
#include <xmmintrin.h>

/* Returns what was set before, for denormals_restore. */
static inline uint64_t denormals_flush(void)
{
	const unsigned before = _mm_getcsr();
	_mm_setcsr(before | 0x8040); /* flush to zero, denormals are zeros */
	return before;
}

static inline void denormals_restore(uint64_t before) { _mm_setcsr((unsigned)before); }

#elif defined(__aarch64__)

static inline uint64_t denormals_flush(void)
{
	uint64_t before;
	__asm__ volatile("mrs %0, fpcr" : "=r"(before));
	__asm__ volatile("msr fpcr, %0" : : "r"(before | (uint64_t)1 << 24));
	return before;
}

static inline void denormals_restore(uint64_t before) { __asm__ volatile("msr fpcr, %0" : : "r"(before)); }

#else

static inline uint64_t denormals_flush(void) { return 0; }
static inline void denormals_restore(uint64_t before) { (void)before; }

#endif

static inline void denormals_leave(uint64_t *before) { denormals_restore(*before); }
/* Until the end of the block that it stands in. */
#define DENORMALS_ARE_ZERO() \
	__attribute__((cleanup(denormals_leave), unused)) uint64_t denormals_before = denormals_flush()

#endif
