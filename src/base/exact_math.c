/* exact_math.c - exp, log, sin and cos in double precision, the same bits everywhere. */
#include "base/exact_math.h"
#include <stdint.h>
#include <string.h>

static double power_of_two(int n) {         /* -1022 <= n <= 1023 */
    uint64_t bits = (uint64_t)(n + 1023) << 52;
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

/* The nearest integer, ties to even, for |x| < 2^51: the sum has no bits left for a fraction. */
static double round_even(double x) { return (x + 0x1.8p52) - 0x1.8p52; }

/* x = n ln 2 + r, |r| <= 0.347; exp x = 2^n exp r, exp r by its Taylor series to r^13 (the next
 * term is below 2^-57). */
double num_exp(double x) {
    if (x < -700) return 0;
    if (x > 700) x = 700;
    if (x != x) return x;
    double n = round_even(x * 1.4426950408889634);
    /* ln 2 in two parts, so that n times the first is exact. */
    double r = (x - n * 0x1.62e42fee00000p-1) - n * 0x1.a39ef35793c76p-33;
    double sum = 1;
    for (int k = 13; k >= 1; k--) sum = 1 + sum * r / k;
    return sum * power_of_two((int)n);
}

/* x = 2^e m, sqrt(1/2) <= m < sqrt(2); log m = 2 artanh s, s = (m-1)/(m+1), |s| < 0.172, by its
 * series to s^21. */
double num_log(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int e = (int)(bits >> 52) - 1023;
    bits = (bits & 0xFFFFFFFFFFFFFu) | (UINT64_C(1023) << 52);
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        e++;
    }
    double s = (m - 1) / (m + 1), s2 = s * s, sum = 0;
    for (int k = 21; k >= 1; k -= 2) sum = sum * s2 + 1.0 / k;
    return 2 * s * sum + e * 0.6931471805599453;
}

/* x = n pi/2 + r, |r| <= pi/4, pi/2 in three parts of 33 bits so that n times each is exact
 * (Cody and Waite 1980); then Taylor. */
void num_sincos(double x, double *sin, double *cos) {
    double n = round_even(x * 0.6366197723675814);
    double r =
        ((x - n * 0x1.921fb54400000p+0) - n * 0x1.0b4611a600000p-34) - n * 0x1.3198a2e000000p-69;
    double r2 = r * r, s = 1, c = 1;
    for (int k = 18; k >= 2; k -= 2) s = 1 - s * r2 / (k * (k + 1));
    for (int k = 17; k >= 1; k -= 2) c = 1 - c * r2 / (k * (k + 1));
    s *= r;
    switch ((int64_t)n & 3) {
    case 0:
        *sin = s;
        *cos = c;
        break;
    case 1:
        *sin = c;
        *cos = -s;
        break;
    case 2:
        *sin = -s;
        *cos = -c;
        break;
    default:
        *sin = -c;
        *cos = s;
        break;
    }
}
