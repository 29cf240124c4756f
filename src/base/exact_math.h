/* num.h - elementary functions in double precision that give the same bits with every libc.
 *
 * Only IEEE additions, multiplications and divisions in a written order, so the last bit is
 * ours; each is within 3 units of the last place. exp of float, which the kernels share, is in
 * kernels/lanes.h. */
#ifndef QW_NUM_H
#define QW_NUM_H

/* 0 below -700, clamped above 700; NaN stays NaN */
double num_exp(double x);
double num_log(double x);                               /* x > 0, normal */
void   num_sincos(double x, double *sin, double *cos);  /* |x| < 2^20 */

#endif
