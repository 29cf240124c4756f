/* settings.c - /set: the flags that can be changed in a conversation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/model_defaults.h"
#include "cli/suggest.h"
#include "cli/talk.h"

enum { VALUE_SIZE = 128, NAME_SIZE = 64 };

const char *setting_name(int i) {
    struct options o;
    struct flag flags[MOST_FLAGS];
    size_t n = options_flags(&o, flags);
    for (size_t k = 0; k < n; k++)
        if (flags[k].live && i-- == 0) return flags[k].live;
    return NULL;
}

/* ---- finding ---- */

/* The flag that a name stands for: as /set calls it, or as the command line does, with or without
 * its dashes. */
static const struct flag *find(const struct flag *flags, size_t n, const char *name) {
    char dashed[NAME_SIZE + 2];
    while (*name == '-') name++;
    snprintf(dashed, sizeof dashed, "--%s", name);
    for (size_t i = 0; i < n; i++) {
        if (flags[i].live && strcmp(flags[i].live, name) == 0) return &flags[i];
        if (has_name(flags[i].names, dashed, strlen(dashed))) return &flags[i];
        if (has_name(flags[i].names, dashed + 1, strlen(dashed + 1))) return &flags[i];
    }
    return NULL;
}

static int unknown(const char *name) {
    const char *names[MOST_FLAGS];
    int n = 0;
    while ((names[n] = setting_name(n)) != NULL) n++;
    const char *near = nearest_word(name, names, n);
    if (near) return usage_error("/set: there is no '%s'; did you mean %s?", name, near);
    return usage_error("/set: there is no '%s'; /set lists what there is", name);
}

static int not_live(const struct flag *f, const char *name) {
    if (has_name(f->names, "--think", 7) || has_name(f->names, "--no-think", 10))
        return usage_error("/set: /think and /nothink switch that");
    if (has_name(f->names, "-sys", 4)) return usage_error("/set: /system TEXT changes that");
    static const char *const load[] = {"-m", "-q", "-t", "-tb", "-c", "--kv", "-b", "--cpu",
                                       "--cpu-list", "-C"};
    for (size_t i = 0; i < sizeof load / sizeof *load; i++)
        if (has_name(f->names, load[i], strlen(load[i])))
            return usage_error("/set: %s needs the model to be loaded again: leave, and start qw "
                               "with %s", name, load[i]);
    return usage_error("/set: %s works on the command line only", name);
}

/* ---- showing ---- */

/* A setting; of the stop texts also those of the model, which /set does not change. */
static void show(const struct generator *g, const struct flag *f) {
    const qw_model_info *info = qw_info(g->model);
    char value[VALUE_SIZE], stops[DEFAULTS_TEXT];
    print_flag_value(f, value, sizeof value);
    fprintf(stderr, "  %-18s %s", f->live, value);
    if (f->type == FLAG_STRINGS && info->n_stop) {
        stops_in_words(info, stops);
        fprintf(stderr, "%s(the model's own: %s)", *value ? "  " : "", stops);
    }
    fprintf(stderr, "\n");
}

/* ---- setting ---- */

/* A copy of a text that lives as long as the conversation. */
static const char *keep(struct generator *g, const char *value) {
    char **more = realloc(g->kept.list, ((size_t)g->kept.n + 1) * sizeof *more);
    if (more) g->kept.list = more;
    char *copy = more ? strdup(value) : NULL;
    if (copy) more[g->kept.n++] = copy;
    else memory_error("the setting");
    return copy;
}

/* Change o, not yet what depends on it. */
static int change(struct generator *g, const struct flag *f, const char *value) {
    if (f->type == FLAG_STRINGS) {
        struct string_list *texts = f->to;
        value = keep(g, strcmp(value, "\"\"") == 0 ? "" : value);
        if (!value) return EXIT_MEMORY;
        texts->n = 0;                   /* a new text stands for all there were; "" for none */
        if (!*value) return 0;
    }
    return set_live_flag(f, f->live, value);
}

int set_by_name(struct talk *talk, const char *name, const char *value) {
    struct generator *g = talk->g;
    struct flag flags[MOST_FLAGS];
    qw_error err;
    const struct flag *f = find(flags, options_flags(&g->o, flags), name);
    if (!f) return unknown(name);
    if (!f->live) return not_live(f, name);
    const struct options before = g->o;
    int rc = change(g, f, value);
    if (!rc && g->o.budget == 0)
        rc = usage_error("/set: budget 0 is /nothink");
    if (!rc) rc = options_check(&g->o);
    if (rc) {
        const struct string_list stop = g->o.stop;      /* its place in memory may have changed */
        g->o = before;
        g->o.stop = stop;
        return rc;
    }
    rc = generator_set_limits(g);
    if (!rc && generator_set_sampling(g, &err)) rc = generator_error(g, &err, NULL);
    return rc;
}

int set_command(struct talk *talk, const char *args) {
    struct flag flags[MOST_FLAGS];
    char name[NAME_SIZE];
    size_t n = options_flags(&talk->g->o, flags), length = strcspn(args, " ");
    const char *value = args + length;
    if (!*args) {
        for (size_t i = 0; i < n; i++)
            if (flags[i].live) show(talk->g, &flags[i]);
        return 0;
    }
    snprintf(name, sizeof name, "%.*s", (int)(length < NAME_SIZE ? length : NAME_SIZE - 1), args);
    while (*value == ' ') value++;
    if (*value) return set_by_name(talk, name, value);
    const struct flag *f = find(flags, n, name);
    if (!f) return unknown(name);
    if (!f->live) return not_live(f, name);
    show(talk->g, f);
    return 0;
}

/* ---- /save ---- */

/* Does a setting differ from what the program begins with? */
static bool differs(const struct flag *f, const struct flag *fresh) {
    char now[VALUE_SIZE], then[VALUE_SIZE];
    if (f->given) return *f->given;
    print_flag_value(f, now, sizeof now);
    print_flag_value(fresh, then, sizeof then);
    return strcmp(now, then) != 0;
}

static int append_member(struct text *out, const char *name, const char *value) {
    struct text quoted;
    qw_error err;
    char before[NAME_SIZE + 8];
    int n = snprintf(before, sizeof before, "%s\"%s\": ", out->n ? ", " : "", name);
    if (qw_json_quote(value, strlen(value), &quoted.p, &quoted.n, &err))
        return engine_error(&err, NULL);
    int rc = text_append(out, before, (size_t)n, "the settings");
    if (!rc) rc = text_append(out, quoted.p, quoted.n, "the settings");
    qw_release(quoted.p);
    return rc;
}

int write_settings(const struct talk *talk, struct text *out) {
    struct options mine = talk->g->o, start;
    struct flag flags[MOST_FLAGS], fresh[MOST_FLAGS];
    size_t n = options_flags(&mine, flags);
    int rc = 0;
    options_start(&start);
    options_flags(&start, fresh);
    for (size_t i = 0; i < n && !rc; i++) {
        char value[VALUE_SIZE];
        if (!flags[i].live || !differs(&flags[i], &fresh[i])) continue;
        if (flags[i].type == FLAG_STRINGS) {
            if (mine.stop.n) rc = append_member(out, flags[i].live, mine.stop.list[0]);
            continue;
        }
        print_flag_value(&flags[i], value, sizeof value);
        rc = append_member(out, flags[i].live, value);
    }
    if (!rc)
        rc = append_member(out, "think", qw_chat_thinks(talk->g->chat) ? "on" : "off");
    return rc;
}
