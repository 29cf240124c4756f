/* run.c - one rendering: its memory, its bounds, and the way out where it fails. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "chat/jinja/tree.h"

struct chunk { struct chunk *next; };

enum { FIRST_CHUNK = 64 << 10, MAX_CHUNK = 1 << 20, ALIGN = 16 };

void run_init(struct run *r, size_t input, qw_error *err) {
    memset(r, 0, sizeof *r);
    r->limit = input > (size_t)MIN_MEMORY / 64 && input <= SIZE_MAX / 64 ? input * 64 : MIN_MEMORY;
    r->err = err;
}

void run_free(struct run *r) {
    while (r->chunks) {
        struct chunk *next = r->chunks->next;
        free(r->chunks);
        r->chunks = next;
    }
    if (r->json.nodes) json_free(&r->json);
    r->json.nodes = NULL;
}

int run_protected(struct run *r, void (*f)(struct run *r, void *ctx), void *ctx) {
    if (setjmp(r->out)) return r->code;
    f(r, ctx);
    return 0;
}

void run_fail(struct run *r, const char *format, ...) {
    char text[900];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (r->template) {
        struct place at = jinja_place(r->template, r->at);
        r->code = fail(r->err, QW_ETEMPLATE, "%s: line %zu, column %zu: %s",
                       jinja_name(r->template), at.line, at.column, text);
    } else {
        r->code = fail(r->err, QW_ETEMPLATE, "%s", text);
    }
    longjmp(r->out, 1);
}

void run_fail_plain(struct run *r, int code, const char *format, ...) {
    char text[900];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    r->code = fail(r->err, code, "%s", text);
    longjmp(r->out, 1);
}

static void grow(struct run *r, size_t bytes) {
    size_t size = r->used < FIRST_CHUNK ? FIRST_CHUNK : r->used;
    if (size > MAX_CHUNK) size = MAX_CHUNK;
    if (size < bytes + sizeof(struct chunk) + ALIGN) size = bytes + sizeof(struct chunk) + ALIGN;
    if (size > r->limit - r->used)
        run_fail(r, "the template takes more than %zu MB of memory", r->limit >> 20);
    struct chunk *c = malloc(size);
    if (!c) {
        r->code = fail_memory(r->err, "a chat template's rendering", size);
        longjmp(r->out, 1);
    }
    c->next = r->chunks;
    r->chunks = c;
    r->used += size;
    size_t head = (sizeof *c + ALIGN - 1) / ALIGN * ALIGN;
    r->free = (char *)c + head;
    r->n_free = size - head;
}

void *run_alloc(struct run *r, size_t count, size_t size) {
    if (size && count > r->limit / size)
        run_fail(r, "the template takes more than %zu MB of memory", r->limit >> 20);
    size_t bytes = (count * size + ALIGN - 1) / ALIGN * ALIGN;
    if (bytes > r->n_free) grow(r, bytes);
    void *p = r->free;
    r->free += bytes;
    r->n_free -= bytes;
    return p;
}

void run_work(struct run *r, size_t bytes) {
    size_t steps = bytes / 64;
    if (steps > MAX_STEPS - r->steps)
        run_fail(r, "the template takes more than %d steps", MAX_STEPS);
    r->steps += (uint32_t)steps;
}

void run_step(struct run *r) {
    if (++r->steps >= MAX_STEPS)
        run_fail(r, "the template takes more than %d steps", MAX_STEPS);
}
