/* tokenizer_numbers.c - ids of the added tokens that the files list, as transformers gives them
 * (transformers' "Merging added tokens"), and what there is to say about those files.
 *
 * Of a token that is listed twice the id stays and the flags of the later one count. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "text/tokenizer_loader.h"

/* What there is to say about the files. */
struct findings {
    struct some_names missing[N_ORIGINS];   /* in this file, but not in tokenizer.json */
    struct some_names flags[N_ORIGINS];     /* other flags here than in tokenizer.json */
    struct some_names ids[N_ORIGINS];       /* another id than this file says */
    struct some_names kept;                 /* in tokenizer.json, but not in the decoder */
    struct some_names unused;               /* only in added_tokens.json, beside a decoder */
};

enum {
    ONLY_NAMED = 255,
    MAX_ADDED = 1024            /* bytes: a text is compared with a token from each place on */
};
struct numbering {
    struct loader *l;
    const struct candidates *c;
    struct findings *found;
    uint8_t *listed;                        /* of each added token: the origin + 1 that a list
                                             * beside tokenizer.json has, ONLY_NAMED, or 0 */
    uint32_t next_id;
};

static void note_flags(struct some_names *names, const char *p, size_t n, uint8_t differing) {
    char remark[80];
    size_t at = 0;
    for (int i = 0; i < N_FLAGS; i++)
        if (differing & flag_names[i].flag)
            at += (size_t)snprintf(remark + at, sizeof remark - at, "%s%s", at ? ", " : " (",
                                   flag_names[i].name);
    snprintf(remark + at, sizeof remark - at, ")");
    add_to_names(names, p, n, remark);
}

static void note_id(struct some_names *names, const char *p, size_t n, int64_t id) {
    char remark[32];
    snprintf(remark, sizeof remark, " (%" PRId64 ")", id);
    add_to_names(names, p, n, remark);
}

/* The place of an added token in t->added.list + 1; 0: there is none of that text. */
static uint32_t added_place(const struct loader *l, const char *text, size_t n) {
    const struct entry *e = find_entry(l, text, n);
    return e ? l->added_at[e - l->entries] : 0;
}

/* A token that no list had so far: in the vocabulary, or with the next id, whatever the file says
 * (transformers' "Ids in the files are not honoured"). */
static int enter_new(struct numbering *b, const struct candidate *x) {
    struct loader *l = b->l;
    const char *text = l->text.p + x->pos;
    const struct entry *e = find_entry(l, text, x->len);
    if (!e) {
        if (b->next_id >= l->id_limit || l->owner[b->next_id])
            return fail(l->err, QW_EUNSUPPORTED,
                        "%s: the vocabulary has gaps: added token %.*s would have id %" PRIu32
                        ", which another token has",
                        l->name, (int)(x->len < SHOWN ? x->len : SHOWN), text, b->next_id);
        put_entry(l, x->pos, x->len, b->next_id++);
        e = &l->entries[l->n_entries - 1];
    }
    struct added *a = &l->t->added.list[l->t->added.n++];
    *a = (struct added){.len = x->len, .id = (int32_t)e->id, .flags = x->flags & FLAGS};
    l->added_at[e - l->entries] = l->t->added.n;
    if (x->origin != FROM_MAIN && b->c->names[FROM_MAIN])
        note_id(&b->found->missing[x->origin], text, x->len, a->id);
    return 0;
}

/* A token that is known: it may get other flags. */
static void enter_known(struct numbering *b, const struct candidate *x, uint32_t at) {
    struct added *a = &b->l->t->added.list[at];
    const uint8_t before = a->flags, flags = x->flags & FLAGS;
    const uint8_t listed = b->listed[at];
    if ((x->flags & NAMED) && listed && listed != ONLY_NAMED) {
        a->flags |= ADDED_SPECIAL;
        if (listed == FROM_ADDED + 1) a->flags &= (uint8_t)~ADDED_NORMALIZED;
        return;
    }
    if ((x->flags & NAMED) && !(x->flags & WITH_FLAGS)) return;
    a->flags = flags | (before & ADDED_SPECIAL);
    if (x->origin != FROM_MAIN && before != flags)
        note_flags(&b->found->flags[x->origin], b->l->text.p + x->pos, x->len, before ^ flags);
}

static int enter(struct numbering *b, const struct candidate *x, bool beside) {
    struct loader *l = b->l;
    if (x->len == 0) return 0;              /* matches nothing */
    if (x->len > MAX_ADDED)
        return fail(l->err, QW_EUNSUPPORTED,
                    "%s: an added token of %" PRIu32 " bytes; at most %d are supported",
                    b->c->names[x->origin], x->len, MAX_ADDED);
    uint32_t at = added_place(l, l->text.p + x->pos, x->len);
    if (at) {
        enter_known(b, x, at - 1);
    } else {
        int rc = enter_new(b, x);
        if (rc) return rc;
        at = l->t->added.n;
    }
    if (!(x->flags & NAMED)) b->listed[at - 1] = beside ? x->origin + 1 : 0;
    else if (!b->listed[at - 1]) b->listed[at - 1] = ONLY_NAMED;
    const int32_t id = l->t->added.list[at - 1].id;
    const bool again = beside && x->origin == FROM_MAIN;
    if (x->id >= 0 && x->id != id && !again)
        note_id(&b->found->ids[x->origin], l->text.p + x->pos, x->len, id);
    return 0;
}

/* Of a file that lies beside the one that is named in full. */
static const char *last_part(const char *path) {
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path;
}

static void tell(struct loader *l, const struct candidates *c, struct findings *f) {
    struct warnings *w = &l->t->warnings;
    const char *main = last_part(c->names[FROM_MAIN]), *config = last_part(c->names[FROM_CONFIG]);
    if (!main && !c->is_listed)
        add_warning(w, "%s: no file lists added tokens (added_tokens_decoder in %s): "
                    "control tokens are plain text", l->name, config);
    for (int i = 0; i < N_ORIGINS; i++) {
        if (f->missing[i].count)
            add_warning(w, "%s: added tokens that %s lacks: %s; they are used", c->names[i], main,
                        end_names(&f->missing[i]));
        if (f->flags[i].count)
            add_warning(w, "%s: added tokens with other flags than in %s: %s; these count, but "
                        "special stays special", c->names[i], main ? main : "other files",
                        end_names(&f->flags[i]));
        if (f->ids[i].count)
            add_warning(w, "%s: added tokens whose ids do not follow the vocabulary; their ids "
                        "are: %s", c->names[i], end_names(&f->ids[i]));
    }
    if (f->kept.count)
        add_warning(w, "%s: added tokens that are not in added_tokens_decoder of %s: %s; they "
                    "are used (transformers 5 may drop them)", c->names[FROM_MAIN], config,
                    end_names(&f->kept));
    if (f->unused.count)
        add_warning(w, "%s: added tokens that are not used, for they are not in "
                    "added_tokens_decoder of %s: %s", c->names[FROM_ADDED], config,
                    end_names(&f->unused));
}

/* Those of tokenizer.json are numbered from the size of the vocabulary on; those of the files
 * beside it from the highest id of an added token on, if that is more: it may lie in a vocabulary
 * that has gaps. */
static void number_from_highest(struct numbering *b) {
    for (uint32_t i = 0; i < b->l->t->added.n; i++) {
        const uint32_t id = (uint32_t)b->l->t->added.list[i].id;
        if (id >= b->next_id) b->next_id = id + 1;
    }
}

int number_added(struct loader *l, const struct candidates *c) {
    struct findings found = {.kept = {.n = 0}};
    struct numbering b = {.l = l, .c = c, .found = &found, .next_id = l->n_vocab,
                          .listed = alloc_zero(c->n, sizeof *b.listed)};
    l->t->added.list = alloc_zero(c->n, sizeof *l->t->added.list);
    int rc = b.listed && l->t->added.list ? 0 : fail_no_memory(l);
    for (uint32_t i = 0; !rc && i < c->n_used; i++) {
        if (i == c->n_base) number_from_highest(&b);
        rc = enter(&b, &c->list[i], i >= c->n_base);
    }
    for (uint32_t i = 0; !rc && c->has_decoder && i < l->t->added.n; i++) {
        const struct entry *e = &l->entries[l->owner[l->t->added.list[i].id] - 1];
        if (!b.listed[i]) add_to_names(&found.kept, l->text.p + e->pos, e->len, "");
    }
    for (uint32_t i = c->n_used; !rc && i < c->n; i++) {
        const struct candidate *x = &c->list[i];
        if (!added_place(l, l->text.p + x->pos, x->len))
            add_to_names(&found.unused, l->text.p + x->pos, x->len, "");
    }
    if (!rc) tell(l, c, &found);
    free(b.listed);
    return rc ? rc : make_added_sets(l);
}
