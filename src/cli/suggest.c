/* suggest.c - what somebody who mistyped a word probably meant: edit distance. */
#include <stddef.h>
#include <string.h>
#include "cli/suggest.h"

enum { MOST_CHANGES = 2, LONGEST = 63 };

static int least(int a, int b) { return a < b ? a : b; }

/* Changes that turn a into b: each character is changed once at most (optimal string alignment).
 * Above MOST_CHANGES the number is not exact. */
static int distance(const char *a, const char *b) {
    int rows[3][LONGEST + 1];           /* row i: from the first i characters of a; i modulo 3 */
    int n_a = (int)strlen(a), n_b = (int)strlen(b);
    if (n_a > LONGEST || n_b > LONGEST || n_a - n_b > MOST_CHANGES || n_b - n_a > MOST_CHANGES)
        return MOST_CHANGES + 1;
    for (int k = 0; k <= n_b; k++) rows[0][k] = k;
    for (int i = 1; i <= n_a; i++) {
        int *now = rows[i % 3];
        const int *before = rows[(i + 2) % 3], *two_before = rows[(i + 1) % 3];
        now[0] = i;
        for (int k = 1; k <= n_b; k++) {
            now[k] = before[k - 1] + (a[i - 1] != b[k - 1]);
            now[k] = least(now[k], least(before[k], now[k - 1]) + 1);
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                now[k] = least(now[k], two_before[k - 2] + 1);
        }
    }
    return rows[n_a % 3][n_b];
}

const char *nearest_word(const char *word, const char *const *words, int n) {
    const char *nearest = NULL;
    int best = MOST_CHANGES + 1;
    for (int i = 0; i < n; i++) {
        int d = distance(word, words[i]);
        if (d < best) {
            best = d;
            nearest = words[i];
        }
    }
    return nearest;
}
