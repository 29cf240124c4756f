/* format.c - the table of stored formats. */
#include "model/formats/format.h"
#include <stddef.h>

static const struct format *const formats[] = {
    &format_bf16,
    &format_f16,
    &format_f32,
};

const struct format *format_of(const char *dtype) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i]->dtype, dtype) == 0) return formats[i];
    return NULL;
}

const char *format_list(void) { return "BF16, F16 and F32"; }
