/* number.c - numbers from text, and text from numbers, as Python does it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "chat/jinja/value.h"

/* Reading and writing floats is slow, the more so far from 1. */
static void float_work(struct run *r, size_t digits, long exp10) {
    size_t far = (size_t)labs(exp10 < -400 || exp10 > 400 ? 400 : exp10);
    run_work(r, 64 * (15 + digits / 2 + far / 2));
}

/* Python's int(): white space around, a sign, underscores between digits. */
bool parse_int(struct string s, int base, struct run *r, struct value *out) {
    s = string_strip(r, s, NULL, STRIP_LEFT | STRIP_RIGHT);
    size_t i = 0;
    bool negative = s.n > 0 && s.p[0] == '-', big = false, digit = false;
    uint64_t u = 0;
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+')) i++;
    static const char letters[] = "..b.....o.......x";
    if (i + 1 < s.n && s.p[i] == '0' && (base == 2 || base == 8 || base == 16) &&
        (s.p[i + 1] | 32) == letters[base])
        i += 2;
    char *digits = run_alloc(r, s.n + 1, 1);
    size_t n = 0;
    for (; i < s.n; i++) {
        char c = s.p[i];
        int d = 99;
        if (c == '_' && digit) {
            digit = false;
            continue;
        }
        if (c >= '0' && c <= '9') d = c - '0';
        else if ((c | 32) >= 'a' && (c | 32) <= 'z') d = (c | 32) - 'a' + 10;
        if (d >= base) return false;
        digit = true;
        if (u > (UINT64_MAX - (uint64_t)d) / (uint64_t)base) big = true;
        u = u * (uint64_t)base + (uint64_t)d;
        if (n > 0 || d > 0) digits[n++] = c;
    }
    if (!digit) return false;
    if (!big && u <= (uint64_t)INT64_MAX) *out = value_int(negative ? -(int64_t)u : (int64_t)u);
    else if (!big && negative && u == (uint64_t)INT64_MAX + 1) *out = value_int(INT64_MIN);
    else if (base == 10) {
        if (negative) {
            memmove(digits + 1, digits, n++);
            digits[0] = '-';
        }
        *out = value_string(r, string_of(digits, n, false));
        out->type = V_BIG;
    } else {
        return false;
    }
    return true;
}

/* strtod, with '.' whatever the caller's locale has: the point is moved into the exponent. */
static double digits_to_double(const char *digits, size_t n, long exp10) {
    /* 770 digits decide any double; of what follows only whether it is zero */
    char text[800];
    size_t k = n < 770 ? n : 770;
    memcpy(text, digits, k);
    for (size_t i = k; i < n; i++) {
        exp10++;
        if (digits[i] != '0') text[k - 1] = text[k - 1] == '0' ? '1' : text[k - 1];
    }
    snprintf(text + k, sizeof text - k, "e%ld", exp10);
    return strtod(text, NULL);
}

static bool is_word(struct string s, const char *word) {
    size_t n = strlen(word);
    if (s.n != n) return false;
    for (size_t i = 0; i < n; i++)
        if ((s.p[i] | 32) != word[i]) return false;
    return true;
}

bool parse_float(struct run *r, struct string s, double *out) {
    char digits[800];
    size_t i = 0, n = 0;
    long exp10 = 0;
    bool negative = false, point = false, digit = false, after = false;
    s = string_strip(r, s, NULL, STRIP_LEFT | STRIP_RIGHT);
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+')) negative = s.p[i++] == '-';
    struct string rest = string_part(s, i, s.n);
    if (is_word(rest, "inf") || is_word(rest, "infinity")) {
        *out = negative ? -INFINITY : INFINITY;
        return true;
    }
    if (is_word(rest, "nan")) {
        *out = NAN;
        return true;
    }
    for (; i < s.n; i++) {
        char c = s.p[i];
        if (c == '_' && after && i + 1 < s.n && s.p[i + 1] >= '0' && s.p[i + 1] <= '9') {
            after = false;
            continue;
        }
        if (c == '.' && !point) {
            point = true;
            after = false;
            continue;
        }
        if (c < '0' || c > '9') break;
        digit = after = true;
        if (n == 0 && c == '0') exp10 -= point;
        else if (n < 790) {
            digits[n++] = c;
            exp10 -= point;
        } else {
            exp10 += !point;
            if (c != '0') digits[789] = '1';
        }
    }
    if (!digit) return false;
    if (i < s.n) {
        long e = 0;
        if ((s.p[i] | 32) != 'e' || ++i == s.n) return false;
        bool minus = s.p[i] == '-';
        if (s.p[i] == '-' || s.p[i] == '+') i++;
        if (i == s.n) return false;
        for (; i < s.n; i++) {
            if (s.p[i] < '0' || s.p[i] > '9') return false;
            if (e < 1000000) e = e * 10 + (s.p[i] - '0');
        }
        exp10 += minus ? -e : e;
    }
    float_work(r, n, exp10);
    double d = n ? digits_to_double(digits, n, exp10) : 0;
    *out = negative ? -d : d;
    return true;
}

int float_text(double f, char out[40]) {
    char digits[20], text[40];
    int n = 0, point, len = 0;
    if (f != f) return snprintf(out, 40, "nan");
    if (f > 1.7976931348623157e308 || f < -1.7976931348623157e308)
        return snprintf(out, 40, "%sinf", f > 0 ? "" : "-");
    /* 15 digits give back each number that has no more; subnormal numbers have less */
    for (int want = fabs(f) < 2.3e-308 ? 1 : 15; want <= 17; want++) {
        /* d.ddde+xx, whatever the locale puts for the point */
        snprintf(text, sizeof text, "%.*e", want - 1, f);
        if (strtod(text, NULL) == f) break;
    }
    const char *e = strchr(text, 'e');
    point = 1 + atoi(e + 1);            /* the value is 0.digits * 10^point */
    for (const char *p = text; p < e; p++)
        if (*p >= '0' && *p <= '9') digits[n++] = *p;
    while (n > 1 && digits[n - 1] == '0') n--;
    if (signbit(f)) out[len++] = '-';
    if (f == 0) return len + snprintf(out + len, 40 - (size_t)len, "0.0");
    if (point > 16 || point < -3) {
        out[len++] = digits[0];
        if (n > 1) {
            out[len++] = '.';
            memcpy(out + len, digits + 1, (size_t)n - 1);
            len += n - 1;
        }
        return len + snprintf(out + len, 40 - (size_t)len, "e%c%02d", point > 0 ? '+' : '-',
                              abs(point - 1));
    }
    if (point <= 0) out[len++] = '0';
    for (int i = 0; i < point; i++) out[len++] = i < n ? digits[i] : '0';
    out[len++] = '.';
    for (int i = point; i < 0; i++) out[len++] = '0';
    for (int i = point > 0 ? point : 0; i < n; i++) out[len++] = digits[i];
    if (point >= n) out[len++] = '0';
    return len;
}

void put_float(struct run *r, struct builder *b, double f, bool control) {
    char text[40];
    float_work(r, 17, f == 0 || f - f != 0 ? 0 : ilogb(f) * 3 / 10);
    int n = float_text(f, text);
    builder_bytes(r, b, text, (size_t)n, control);
}

void put_int(struct run *r, struct builder *b, int64_t i, bool control) {
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", (long long)i);
    builder_bytes(r, b, text, (size_t)n, control);
}
