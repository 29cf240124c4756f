/* suggest.h - what somebody who mistyped a word probably meant. */
#ifndef QW_SUGGEST_H
#define QW_SUGGEST_H

/* Of n words the one that becomes `word` with the fewest changes, two at most, the first of equals;
 * NULL if there is none. A change: a character too many, too few or another one, or two neighbours
 * swapped. */
const char *nearest_word(const char *word, const char *const *words, int n);

#endif
