/* unicode.c - classes of characters as Python has them, from tables. */
#include "chat/jinja/unicode.h"
#include "chat/jinja/unicode_tables.h"

/* Whether cp lies in a range: the number of edges up to it is odd. Of the planes before its own
 * all edges count. */
static bool in_ranges(const uint16_t *edges, const uint16_t *planes, uint32_t cp) {
    uint32_t low = cp & 0xFFFF;
    unsigned lo = planes[cp >> 16], hi = planes[(cp >> 16) + 1];
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        if (edges[mid] <= low) lo = mid + 1;
        else hi = mid;
    }
    return lo % 2 != 0;
}

bool is_cased(uint32_t cp) {
    return cp <= 0x10FFFF && in_ranges(cased_edges, cased_planes, cp);
}

bool is_printable(uint32_t cp) {
    return cp <= 0x10FFFF && !in_ranges(unprintable_edges, unprintable_planes, cp);
}

bool is_python_space(uint32_t cp) {
    if (cp < 0x80) return (cp >= 0x09 && cp <= 0x0D) || (cp >= 0x1C && cp <= 0x20);
    switch (cp) {
    case 0x85: case 0xA0: case 0x1680: case 0x2028: case 0x2029: case 0x202F: case 0x205F:
    case 0x3000:
        return true;
    default:
        return cp >= 0x2000 && cp <= 0x200A;
    }
}
