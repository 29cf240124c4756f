/* platform.h - what identical results everywhere require of the compiler and the machine; and
 * QW_PRINTF, which lets the compiler check format strings. */
#ifndef QW_PLATFORM_H
#define QW_PLATFORM_H
#include <float.h>

#if FLT_EVAL_METHOD != 0
#error "qw needs float arithmetic without excess precision; on 32-bit x86 add -msse2 -mfpmath=sse"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "qw reads safetensors, which are little-endian, in place"
#endif
#ifdef __FAST_MATH__
#error "qw promises the same bits everywhere: do not compile it with -ffast-math"
#endif

#if defined(__GNUC__)
#define QW_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define QW_PRINTF(fmt, args)
#endif

#endif
