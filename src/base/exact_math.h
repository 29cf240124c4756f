/* exact_math.h - elementary functions in double precision, the same bits with every libc.
 *
 * They use only IEEE additions, multiplications and divisions in a fixed order, so the last bit
 * depends on nothing else; each is within 3 units in the last place. The kernels' exp, of
 * floats, is in kernels/common/floats.inc. */
#ifndef QW_EXACT_MATH_H
#define QW_EXACT_MATH_H

/* 0 below -700, clamped above 700; NaN stays NaN. */
double num_exp(double x);
/* x > 0 and normal. */
double num_log(double x);
/* |x| < 2^20. */
void num_sincos(double x, double *sin, double *cos);

#endif
