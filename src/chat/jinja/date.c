/* date.c - the day that a template is told. */
#include <stdio.h>
#include <string.h>
#include "chat/template.h"

struct date { int year, month, day, weekday, yearday; };        /* weekday 0: Sunday */

/* False: it is no day of the calendar from the year 1 on. */
static bool read_date(const char *text, struct date *d) {
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    for (int i = 0; i < 10; i++) {
        bool dash = i == 4 || i == 7;
        if (dash ? text[i] != '-' : text[i] < '0' || text[i] > '9') return false;
    }
    if (text[10]) return false;
    sscanf(text, "%d-%d-%d", &d->year, &d->month, &d->day);
    int y = d->year - 1;
    bool leap = (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;
    if (d->year < 1 || d->month < 1 || d->month > 12 || d->day < 1) return false;
    int length = before[d->month] - before[d->month - 1] + (leap && d->month == 2);
    if (d->day > length) return false;
    d->yearday = before[d->month - 1] + d->day + (leap && d->month > 2);
    d->weekday = (y * 365 + y / 4 - y / 100 + y / 400 + d->yearday) % 7;
    return true;
}

bool is_date(const char *text) {
    struct date d;
    return read_date(text, &d);
}

static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday",
                                   "Friday", "Saturday"};
static const char *const months[] = {"January", "February", "March", "April", "May", "June", "July",
                                     "August", "September", "October", "November", "December"};

/* One directive of strftime in the C locale, at noon. plain: without leading zeros (%-d). 0: it is
 * not known. */
static int put_date(char out[40], const struct date *d, char directive, bool plain) {
    const char *two = plain ? "%d" : "%02d";
    switch (directive) {
    case 'Y': return snprintf(out, 40, "%d", d->year);
    case 'y': return snprintf(out, 40, two, d->year % 100);
    case 'm': return snprintf(out, 40, two, d->month);
    case 'd': return snprintf(out, 40, two, d->day);
    case 'e': return snprintf(out, 40, plain ? "%d" : "%2d", d->day);
    case 'B': return snprintf(out, 40, "%s", months[d->month - 1]);
    case 'b':
    case 'h': return snprintf(out, 40, "%.3s", months[d->month - 1]);
    case 'A': return snprintf(out, 40, "%s", days[d->weekday]);
    case 'a': return snprintf(out, 40, "%.3s", days[d->weekday]);
    case 'j': return snprintf(out, 40, plain ? "%d" : "%03d", d->yearday);
    case 'u': return snprintf(out, 40, "%d", d->weekday ? d->weekday : 7);
    case 'w': return snprintf(out, 40, "%d", d->weekday);
    case 'H':
    case 'I': return snprintf(out, 40, "12");
    case 'M':
    case 'S': return snprintf(out, 40, plain ? "0" : "00");
    case 'p': return snprintf(out, 40, "PM");
    case 'F': return snprintf(out, 40, "%d-%02d-%02d", d->year, d->month, d->day);
    case 'D':
    case 'x': return snprintf(out, 40, "%02d/%02d/%02d", d->month, d->day, d->year % 100);
    case 'T':
    case 'X': return snprintf(out, 40, "12:00:00");
    case 'R': return snprintf(out, 40, "12:00");
    case 'c': return snprintf(out, 40, "%.3s %.3s %2d 12:00:00 %d", days[d->weekday],
                              months[d->month - 1], d->day, d->year);
    case '%': return snprintf(out, 40, "%%");
    default: return 0;
    }
}

struct string date_text(struct run *r, struct string format) {
    struct builder b = {0};
    struct date d;
    if (!r->date || !read_date(r->date, &d)) run_fail(r, "the date is not known");
    for (size_t i = 0; i < format.n; i++) {
        char text[40];
        if (format.p[i] != '%') {
            builder_put(r, &b, string_part(format, i, i + 1));
            continue;
        }
        bool plain = i + 1 < format.n && format.p[i + 1] == '-';
        i += 1 + plain;
        int n = i < format.n ? put_date(text, &d, format.p[i], plain) : 0;
        if (n == 0) run_fail(r, "strftime_now: an unknown directive behind %%");
        builder_bytes(r, &b, text, (size_t)n, true);
    }
    return builder_string(&b);
}
