/* chat_file.c - conversations in files: /save and /load.
 *
 *     {"qw_session": 1, "model": "models/Qwen3-0.6B",
 *      "messages": [{"role": "user", "content": "..."}, ...],
 *      "settings": {"temp": "0.3", "think": "on"}}
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/talk.h"

static const char beginning[] = "{\"qw_session\": 1";

/* ---- /save ---- */

/* A file that is something else is not overwritten. 0, or EXIT_ERROR after a message. */
static int check_target(const char *path) {
    char found[sizeof beginning] = "";
    struct stat st;
    if (stat(path, &st) != 0) return 0;
    FILE *f = S_ISREG(st.st_mode) ? fopen(path, "re") : NULL;
    size_t n = f ? fread(found, 1, sizeof beginning - 1, f) : 0;
    if (f) fclose(f);
    if (st.st_size == 0 && S_ISREG(st.st_mode)) return 0;
    if (n == sizeof beginning - 1 && strcmp(found, beginning) == 0) return 0;
    say("/save: %s exists and is no saved conversation", path);
    return EXIT_ERROR;
}

static int add_quoted(struct text *out, const char *text) {
    struct text clean, quoted;
    qw_error err;
    size_t bad;
    if (qw_utf8_clean(text, strlen(text), &clean.p, &clean.n, &bad, &err))
        return engine_error(&err, NULL);
    int failed = qw_json_quote(clean.p, clean.n, &quoted.p, &quoted.n, &err);
    qw_release(clean.p);
    if (failed) return engine_error(&err, NULL);
    int rc = text_append(out, quoted.p, quoted.n, "the conversation");
    qw_release(quoted.p);
    return rc;
}

static int add(struct text *out, const char *s) {
    return text_append(out, s, strlen(s), "the conversation");
}

/* The whole file. */
static int write_chat(const struct talk *talk, struct text *out) {
    const struct generator *g = talk->g;
    struct text messages = {0}, settings = {0};
    char name[MODEL_NAME];
    qw_error err;
    if (qw_chat_messages(g->chat, &messages.p, &messages.n, &err)) return engine_error(&err, NULL);
    int rc = write_settings(talk, &settings);
    if (!rc) rc = add(out, beginning);
    if (!rc) rc = add(out, ", \"model\": ");
    if (!rc) rc = add_quoted(out, shown_model(qw_info(g->model)->path, name));
    if (!rc) rc = add(out, ",\n \"messages\": ");
    if (!rc) rc = text_append(out, messages.p, messages.n, "the conversation");
    if (!rc) rc = add(out, ",\n \"settings\": {");
    if (!rc) rc = text_append(out, settings.p, settings.n, "the conversation");
    if (!rc) rc = add(out, "}}\n");
    qw_release(messages.p);
    free(settings.p);
    return rc;
}

/* The path as /load reads it: with a backslash before blanks and backslashes. */
static void tell_saved(const struct talk *talk, const char *path) {
    size_t turns = qw_chat_turns(talk->g->chat), n = 0;
    char word[1024];
    for (const char *p = path; *p && n + 2 < sizeof word; p++) {
        if (strchr(" \t\\", *p)) word[n++] = '\\';
        word[n++] = *p;
    }
    word[n] = 0;
    tell(talk, "%zu turn%s saved; /load %s goes on", turns, plural(turns), word);
}

int save_chat(struct talk *talk, const char *path) {
    struct text all = {0};
    struct output file;
    int rc = check_target(path);
    if (!rc) rc = write_chat(talk, &all);
    if (!rc) rc = output_open(&file, path);
    if (!rc) {
        output_write(&file, all.p, all.n);
        rc = output_close(&file, true);
    }
    if (!rc) tell_saved(talk, path);
    free(all.p);
    return rc;
}

/* ---- /load ---- */

/* A member of the file that must be there. 0, or EXIT_ERROR after a message. */
static int member(const struct text *t, const char *path, const char *name, struct text *out) {
    const char *value;
    qw_error err;
    int found = qw_json_member(t->p, t->n, name, &value, &out->n, &err);
    out->p = t->p + (found > 0 ? value - t->p : 0);
    if (found > 0) return 0;
    if (found < 0) say("/load: %s is no saved conversation (%s)", path, err.message);
    else say("/load: %s is no saved conversation: it has no \"%s\"", path, name);
    return EXIT_ERROR;
}

/* The value of a string in JSON; NULL after a message. The caller frees it with qw_release. */
static char *unquote(const char *json, size_t n) {
    char *s;
    size_t length;
    qw_error err;
    if (qw_json_unquote(json, n, &s, &length, &err) == 0) return s;
    say("/load: %s", err.message);
    return NULL;
}

static int load_setting(struct talk *talk, const char *name, const char *json, size_t n) {
    char *value = unquote(json, n);
    if (!value) return EXIT_ERROR;
    int rc = set_by_name(talk, name, value);
    qw_release(value);
    return rc;
}

static int load_thinking(struct talk *talk, const char *json, size_t n) {
    struct generator *g = talk->g;
    bool on = n == 4 && memcmp(json, "\"on\"", 4) == 0;
    qw_error err;
    if (on == (qw_chat_thinks(g->chat) != 0)) return 0;
    if (qw_chat_set_thinking(g->chat, on, &err) || generator_set_sampling(g, &err))
        return generator_error(g, &err, NULL);
    return 0;
}

/* The conversation is loaded even if a setting of it cannot be had: that is said. */
static int load_settings(struct talk *talk, const struct text *settings) {
    const char *value, *name;
    size_t n;
    int rc = 0;
    if (qw_json_member(settings->p, settings->n, "think", &value, &n, NULL) == 1)
        rc = load_thinking(talk, value, n);
    for (int i = 0; (name = setting_name(i)) != NULL; i++)
        if (qw_json_member(settings->p, settings->n, name, &value, &n, NULL) == 1) {
            int failed = load_setting(talk, name, value, n);
            if (!rc) rc = failed;
        }
    return rc;
}

static void note_model(const struct talk *talk, const struct text *file) {
    const char *value, *mine = qw_info(talk->g->model)->path;
    char name[MODEL_NAME], my_name[MODEL_NAME];
    size_t n;
    if (qw_json_member(file->p, file->n, "model", &value, &n, NULL) != 1) return;
    char *path = unquote(value, n);
    if (!path) return;
    model_name(path, name);
    model_name(mine, my_name);
    if (strcmp(name, my_name) != 0) tell(talk, "it was held with %s; this is %s", name, my_name);
    qw_release(path);
}

/* After the messages are in, nothing fails. */
static int use_file(struct talk *talk, const struct text *file, const char *path) {
    struct generator *g = talk->g;
    struct text version, messages, settings;
    qw_error err;
    int rc = member(file, path, "qw_session", &version);
    if (!rc && (version.n != 1 || *version.p != '1')) {
        say("/load: %s is of another version of qw: \"qw_session\" is %.*s, not 1", path,
            (int)(version.n < 20 ? version.n : 20), version.p);
        rc = EXIT_ERROR;
    }
    if (!rc) rc = member(file, path, "messages", &messages);
    if (!rc) rc = member(file, path, "settings", &settings);
    if (!rc && qw_chat_set_messages(g->chat, messages.p, messages.n, &err)) {
        say("/load: %s: %s", path, err.message);
        rc = EXIT_ERROR;
    }
    if (rc) return rc;
    g->last.any = false;
    size_t n = qw_chat_turns(g->chat);
    note_model(talk, file);
    tell(talk, "%zu turn%s loaded", n, plural(n));
    return load_settings(talk, &settings);
}

int load_chat(struct talk *talk, const char *path) {
    struct text file;
    int rc = read_prompt_file(path, &file);
    if (rc) return rc;
    drop_mark(&file);
    rc = use_file(talk, &file, path);
    free(file.p);
    return rc;
}
