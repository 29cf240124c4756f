/* listed.h - names in a message: "a, b, c and 5 more". */
#ifndef QW_LISTED_H
#define QW_LISTED_H
#include <stddef.h>

/* {0} is empty. */
struct listed {
    char text[340];
    int n;                      /* names added, of which text holds the first few */
};

/* Add n bytes of a name, which is cut if it is long. */
void list_name(struct listed *l, const char *name, size_t n);
/* The whole list as text, which stays in it; call it once, at the end. */
const char *list_text(struct listed *l);

#endif
