/* hub.c - models of the Hugging Face hub: their names, and the cache on this machine.
 *
 * The cache is read as huggingface_hub reads it without a network (constants.py,
 * file_download.py). */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "cli/hub.h"
#include "cli/flags.h"

/* ---- paths ---- */

/* A path that is put together; n is MODEL_PATH when it has become too long. */
struct path {
    char *p;
    size_t n;
};

static void put(struct path *to, const char *s, size_t n) {
    if (n >= MODEL_PATH - to->n) {
        to->n = MODEL_PATH;
        return;
    }
    memcpy(to->p + to->n, s, n);
    to->n += n;
    to->p[to->n] = 0;
}

/* The length of $NAME or ${NAME} at p, and the variable's value; NULL if it is not set. */
static size_t variable(const char *p, const char **value) {
    char name[128];
    bool braces = p[1] == '{';
    const char *start = p + 1 + braces;
    size_t n = 0;
    if (braces) n = strcspn(start, "}");
    else while (isalnum((unsigned char)start[n]) || start[n] == '_') n++;
    *value = NULL;
    if (n == 0 || n >= sizeof name || (braces && start[n] != '}')) return 1;
    snprintf(name, sizeof name, "%.*s", (int)n, start);
    *value = getenv(name);
    return 1 + n + 2 * (size_t)braces;
}

/* As Python's expanduser and expandvars: what is not set stays as it is written. */
static void put_expanded(struct path *to, const char *s) {
    const char *home = getenv("HOME"), *value;
    if (home && s[0] == '~' && (s[1] == '/' || s[1] == 0)) {
        put(to, home, strlen(home));
        s++;
    }
    while (*s) {
        size_t n = strcspn(s, "$");
        put(to, s, n);
        s += n;
        if (*s == 0) break;
        n = variable(s, &value);
        if (value) put(to, value, strlen(value));
        else put(to, s, n);
        s += n;
    }
}

static bool is_directory(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_file(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* out = dir/name. False: too long. */
static bool join(char out[MODEL_PATH], const char *dir, const char *name) {
    struct path to = {out, 0};
    put(&to, dir, strlen(dir));
    put(&to, "/", 1);
    put(&to, name, strlen(name));
    return to.n < MODEL_PATH;
}

/* ---- the cache ---- */

bool hub_cache(char out[MODEL_PATH]) {
    static const struct {
        const char *variable, *below;
    } places[] = {
        {"HF_HUB_CACHE", ""},
        {"HUGGINGFACE_HUB_CACHE", ""},
        {"HF_HOME", "/hub"},
        {"XDG_CACHE_HOME", "/huggingface/hub"},
        {"HOME", "/.cache/huggingface/hub"},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *value = getenv(places[i].variable);
        struct path to = {out, 0};
        if (!value || !*value) continue;
        put_expanded(&to, value);
        put(&to, places[i].below, strlen(places[i].below));
        return to.n < MODEL_PATH;
    }
    return false;
}

bool is_hub_model(const char *dir) {
    char path[MODEL_PATH];
    struct stat st;
    if (!join(path, dir, "config.json") || stat(path, &st) == 0) return false;
    if (join(path, dir, "snapshots") && is_directory(path)) return true;
    return join(path, dir, "blobs") && is_directory(path);
}

/* What refs/main holds; "main" without it, for then that is the snapshot's name. False: no name. */
static bool read_ref(const char *dir, char out[REPOSITORY]) {
    char path[MODEL_PATH];
    snprintf(out, REPOSITORY, "main");
    FILE *f = join(path, dir, "refs/main") && is_file(path) ? fopen(path, "r") : NULL;
    if (!f) return true;
    size_t n = fread(out, 1, REPOSITORY - 1, f);
    fclose(f);
    out[n] = 0;
    out[strcspn(out, "\r\n")] = 0;
    return *out && *out != '.' && !strchr(out, '/');
}

bool hub_snapshot(const char *dir, char out[MODEL_PATH]) {
    char hash[REPOSITORY], snapshots[MODEL_PATH];
    return read_ref(dir, hash) && join(snapshots, dir, "snapshots") && join(out, snapshots, hash) &&
           is_directory(out);
}

bool hub_some_snapshot(const char *dir, char out[MODEL_PATH]) {
    char snapshots[MODEL_PATH];
    bool found = false;
    DIR *d = join(snapshots, dir, "snapshots") ? opendir(snapshots) : NULL;
    if (!d) return false;
    for (struct dirent *e; !found && (e = readdir(d)) != NULL;)
        found = *e->d_name != '.' && join(out, snapshots, e->d_name) && is_directory(out);
    closedir(d);
    return found;
}

/* ---- names in the cache ---- */

/* The directory of OWNER/NAME: slashes become "--". False: there is none. */
static bool find_exact(const char *cache, const char *name, char out[MODEL_PATH]) {
    struct path to = {out, 0};
    put(&to, cache, strlen(cache));
    put(&to, "/models--", 9);
    for (; *name; name++) put(&to, *name == '/' ? "--" : name, *name == '/' ? 2 : 1);
    return to.n < MODEL_PATH && is_directory(out);
}

/* Is this the entry of a model of that name, whoever owns it? */
static bool is_entry(const char *entry, const char *name) {
    size_t n = strlen(entry), m = strlen(name);
    if (strncmp(entry, "models--", 8) != 0 || n < m + 8) return false;
    return strcmp(entry + n - m, name) == 0 && strncmp(entry + n - m - 2, "--", 2) == 0;
}

/* "OWNER/NAME" of an entry. */
static void put_repository(struct path *to, const char *entry, size_t name_n) {
    const char *owner = entry + strlen("models--"), *name = entry + strlen(entry) - name_n;
    if (name > owner) {
        put(to, owner, (size_t)(name - owner) - 2);
        put(to, "/", 1);
    }
    put(to, name, name_n);
}

/* The entries of all owners: how many, and the first two in out. */
static int list_owners(const char *cache, const char *name, char out[MODEL_PATH]) {
    struct path list = {out, 0};
    int n = 0;
    DIR *d = opendir(cache);
    if (!d) return 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (!is_entry(e->d_name, name)) continue;
        if (n == 1) put(&list, " and ", 5);
        if (n < 2) put_repository(&list, e->d_name, strlen(name));
        n++;
    }
    closedir(d);
    return list.n < MODEL_PATH ? n : 0;
}

int hub_find(const char *cache, const char *name, char out[MODEL_PATH]) {
    char full[REPOSITORY], owners[MODEL_PATH];
    if (strlen(name) >= REPOSITORY - sizeof "Qwen/") return 0;
    if (strchr(name, '/')) return find_exact(cache, name, out);
    snprintf(full, sizeof full, "Qwen/%s", name);
    if (find_exact(cache, full, out)) return 1;
    int n = list_owners(cache, name, owners);
    if (n == 1) return find_exact(cache, owners, out);
    if (n > 1) snprintf(out, MODEL_PATH, "%s", owners);
    return n;
}

/* ---- names ---- */

/* Is name[0..n) a model of Qwen's own, such as Qwen3-0.6B or Qwen3-4B-Instruct-2507? */
static bool is_of_qwen(const char *name, size_t n) {
    if (n < 6 || strncmp(name, "Qwen3-", 6) != 0) return false;
    size_t end = 6 + strspn(name + 6, "0123456789.");
    if (end == 6 || end >= n || name[end] != 'B') return false;
    end++;
    return end == n || has_name("-Base -Instruct-2507 -Thinking-2507", name + end, n - end);
}

void original_repository(const char *name, char out[REPOSITORY]) {
    const char *owner = name;
    size_t n = strcspn(name, ":");
    bool is_copy = n > 5 && strncmp(name + n - 5, "-GGUF", 5) == 0;
    const char *end = name + n - (is_copy ? 5 : 0);
    for (const char *p = name; p < end; p++)
        if (*p == '/') name = p + 1;
    size_t owner_n = (size_t)(name - owner);
    if (is_copy && strncmp(name, "Qwen_", 5) == 0) name += 5;
    size_t name_n = (size_t)(end - name);
    if ((is_copy || owner_n == 0) && is_of_qwen(name, name_n)) {
        owner = "Qwen/";
        owner_n = 5;
    }
    if (owner_n >= REPOSITORY / 2) owner_n = 0;
    if (name_n >= REPOSITORY / 2) name_n = REPOSITORY / 2 - 1;
    snprintf(out, REPOSITORY, "%.*s%.*s", (int)owner_n, owner, (int)name_n, name);
}
