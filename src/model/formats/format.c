/* format.c - the table of stored formats. */
#include "model/formats/format.h"
#include <stddef.h>
#include <stdio.h>

/* One line for each format, in the order of messages. */
#define EACH_FORMAT(F) \
    F(format_bf16) \
    F(format_f16) \
    F(format_f32)

#define DECLARE(NAME) extern const struct format NAME;
EACH_FORMAT(DECLARE)

#define POINT_TO(NAME) &NAME,
static const struct format *const formats[] = {EACH_FORMAT(POINT_TO)};
enum { N_FORMATS = sizeof formats / sizeof *formats };

const struct format *format_of(const char *dtype) {
    for (int i = 0; i < N_FORMATS; i++)
        if (strcmp(formats[i]->dtype, dtype) == 0) return formats[i];
    return NULL;
}

void list_formats(char *out, size_t size) {
    size_t n = 0;
    for (int i = 0; i < N_FORMATS && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%s", i ? ", " : "", formats[i]->dtype);
}
