/* test_history.c - the history of a chat, in memory and in its file. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "terminal/history.h"
#include "test.h"

static char folder[64], path[128];

static void add(struct history *h, const char *entry) { history_add(h, entry, strlen(entry)); }

/* Entry i must be this. */
static void holds(struct history *h, size_t i, const char *want) {
    size_t n;
    const char *p = i < history_count(h) ? history_entry(h, i, &n) : NULL;
    CHECK(p && n == strlen(want) && memcmp(p, want, n) == 0, "entry %zu of %zu is '%.*s', not '%s'",
          i, history_count(h), p ? (int)n : 0, p ? p : "", want);
}

static void put_file(const char *content, size_t n) {
    FILE *f = fopen(path, "w");
    CHECK(f && fwrite(content, 1, n, f) == n && fclose(f) == 0, "%s", path);
}

static void file_is(const char *want) {
    char found[4096] = "";
    FILE *f = fopen(path, "r");
    CHECK(f != NULL, "no file");
    if (!f) return;
    found[fread(found, 1, sizeof found - 1, f)] = 0;
    fclose(f);
    CHECK(strcmp(found, want) == 0, "the file is '%s', not '%s'", found, want);
}

static unsigned mode_of(const char *of) {
    struct stat st;
    return stat(of, &st) ? 0 : st.st_mode & 0777;
}

static void in_folder(const char *name) { snprintf(path, sizeof path, "%s/%s", folder, name); }

static void test_entries(void) {
    in_folder("a/b/history");
    struct history *h = history_open(path);
    CHECK(history_count(h) == 0 && !history_error(h), "%zu", history_count(h));
    add(h, "one");
    add(h, "one");
    add(h, " secret");
    add(h, "\tsecret");
    add(h, "");
    add(h, "two\nlines\\n\r");
    add(h, "one");
    CHECK(history_count(h) == 3 && !history_error(h), "%zu", history_count(h));
    holds(h, 1, "two\nlines\\n\r");
    history_close(h);
    file_is("one\ntwo\\nlines\\\\n\\r\none\n");
    CHECK(mode_of(path) == 0600, "mode %o", mode_of(path));
    in_folder("a/b");
    CHECK(mode_of(path) == 0700, "mode %o", mode_of(path));
    in_folder("a");
    CHECK(mode_of(path) == 0700, "mode %o", mode_of(path));
    in_folder("a/b/history");
    chmod(path, 0644);
    h = history_open(path);
    CHECK(history_count(h) == 3, "%zu", history_count(h));
    holds(h, 1, "two\nlines\\n\r");
    add(h, "one");
    add(h, "four");
    history_close(h);
    CHECK(mode_of(path) == 0600, "mode %o", mode_of(path));
    file_is("one\ntwo\\nlines\\\\n\\r\none\nfour\n");
}

static void test_many(void) {
    in_folder("many");
    struct history *h = history_open(path);
    for (int i = 0; i < 2500; i++) {
        char entry[32];
        snprintf(entry, sizeof entry, "entry %d", i);
        add(h, entry);
    }
    CHECK(history_count(h) == HISTORY_ENTRIES, "%zu", history_count(h));
    holds(h, 0, "entry 1500");
    history_close(h);
    h = history_open(path);             /* the file is shortened */
    CHECK(history_count(h) == HISTORY_ENTRIES, "%zu", history_count(h));
    holds(h, 0, "entry 1500");
    holds(h, 999, "entry 2499");
    history_close(h);
    struct stat st;
    CHECK(stat(path, &st) == 0 && st.st_size == 11000, "%ld bytes", (long)st.st_size);
    CHECK(mode_of(path) == 0600, "mode %o", mode_of(path));
}

static void test_long(void) {
    in_folder("long");
    size_t n = HISTORY_LONGEST + 1;
    char *text = malloc(n);
    memset(text, 'x', n);
    struct history *h = history_open(path);
    add(h, "before");
    history_add(h, text, n);
    history_add(h, text, n - 1);
    CHECK(history_count(h) == 3, "%zu", history_count(h));
    history_close(h);
    h = history_open(path);
    CHECK(history_count(h) == 2 && !history_error(h), "%zu", history_count(h));
    history_close(h);
    free(text);
}

/* Two programs, and others that write the file anew while they go on. */
static void test_together(void) {
    enum { PROGRAMS = 4, EACH = 300 };
    in_folder("together");
    for (int p = 0; p < PROGRAMS; p++) {
        if (fork()) continue;
        struct history *h = history_open(path);
        for (int i = 0; i < EACH; i++) {
            char entry[64];
            snprintf(entry, sizeof entry, "program %d\nentry %d", p, i);
            add(h, entry);
        }
        _exit(history_error(h) != NULL);
    }
    for (int p = 0; p < PROGRAMS; p++) {
        int status;
        CHECK(wait(&status) > 0 && status == 0, "status %d", status);
    }
    static char content[200000];
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(content, 1, sizeof content - 1, f) : 0;
    content[n] = 0;
    if (f) fclose(f);
    for (int p = 0; p < PROGRAMS; p++) {
        for (int i = 0; i < EACH; i++) {
            char line[64];
            snprintf(line, sizeof line, "program %d\\nentry %d\n", p, i);
            CHECK(strstr(content, line) != NULL, "%s is missing", line);
        }
    }
}

/* While one writes, others find the file too long again and again. */
static void test_shortened(void) {
    enum { FILL = 2100, EACH = 200 };
    in_folder("shortened");
    FILE *f = fopen(path, "w");
    for (int i = 0; f && i < FILL; i++) fprintf(f, "fill %d\n", i);
    if (f) fclose(f);
    pid_t other = fork();
    if (other == 0) {
        for (int i = 0; i < 60; i++) {
            f = fopen(path, "a");
            for (int k = 0; f && k < 30; k++) fprintf(f, "\n\n\n\n");   /* lines, but no entries */
            if (f) fclose(f);
            struct history *h = history_open(path);
            history_close(h);
        }
        _exit(0);
    }
    struct history *h = history_open(path);
    for (int i = 0; i < EACH; i++) {
        char entry[32];
        snprintf(entry, sizeof entry, "new %d", i);
        add(h, entry);
    }
    int status;
    CHECK(waitpid(other, &status, 0) == other && status == 0, "status %d", status);
    history_close(h);
    h = history_open(path);
    for (int i = 0; i < EACH; i++) {
        char entry[32];
        snprintf(entry, sizeof entry, "new %d", i);
        holds(h, history_count(h) - EACH + (size_t)i, entry);
    }
    history_close(h);
}

/* ---- what is no history ---- */

static void test_damaged(void) {
    in_folder("damaged");
    put_file("good\nbad \377\342\202 bytes\n\n\nno end", 27);
    struct history *h = history_open(path);
    CHECK(history_count(h) == 3, "%zu", history_count(h));
    holds(h, 1, "bad \357\277\275\357\277\275 bytes");
    holds(h, 2, "no end");
    add(h, "after");
    history_close(h);
    h = history_open(path);
    CHECK(history_count(h) == 4, "%zu", history_count(h));
    holds(h, 2, "no end");
    holds(h, 3, "after");
    history_close(h);
    put_file("a\0b\\\\\\x\\", 8);
    h = history_open(path);
    size_t n;
    CHECK(history_count(h) == 1 && memcmp(history_entry(h, 0, &n), "a\0b\\\\x\\", 7) == 0 && n == 7,
          "%zu", history_count(h));
    history_close(h);
}

static void test_random(void) {
    in_folder("random");
    size_t n = 3000000;
    char *noise = malloc(n);
    unsigned r = 1;
    for (size_t i = 0; i < n; i++) noise[i] = (char)((r = r * 1664525u + 1013904223u) >> 24);
    put_file(noise, n);
    struct history *h = history_open(path);
    CHECK(!history_error(h), "an error");
    add(h, "after");
    history_close(h);
    memset(noise, 'x', n);
    put_file(noise, n);
    h = history_open(path);
    CHECK(history_count(h) == 0 && !history_error(h), "%zu", history_count(h));
    add(h, "after");
    history_close(h);
    h = history_open(path);
    holds(h, 0, "after");
    history_close(h);
    free(noise);
}

/* A terabyte of nothing, then entries. */
static void test_huge(void) {
    in_folder("huge");
    put_file("", 0);
    if (truncate(path, 1000000000000)) {
        printf("  no sparse files here\n");
        return;
    }
    int fd = open(path, O_WRONLY | O_APPEND);
    CHECK(write(fd, "\nlast\n", 6) == 6, "write");
    close(fd);
    struct history *h = history_open(path);
    CHECK(history_count(h) == 1, "%zu", history_count(h));
    holds(h, 0, "last");
    history_close(h);
    file_is("last\n");
}

/* Said once, and everything goes on in memory. */
static void refused(const char *why) {
    struct history *h = history_open(path);
    add(h, "one");
    add(h, "two");
    const char *error = history_error(h);
    CHECK(error && strstr(error, why) && strstr(error, path), "'%s'", error ? error : "no error");
    CHECK(!history_error(h), "said twice");
    CHECK(history_count(h) == 2, "%zu", history_count(h));
    history_close(h);
}

static void test_no_file(void) {
    in_folder("folder");
    mkdir(path, 0700);
    refused("it is no file");
    in_folder("pipe");
    mkfifo(path, 0600);
    refused("it is no file");
    in_folder("damaged/history");
    refused("Not a directory");
    in_folder("null");
    CHECK(symlink("/dev/null", path) == 0, "symlink");
    struct history *h = history_open(path);
    add(h, "one");
    CHECK(history_count(h) == 1 && !history_error(h), "%zu", history_count(h));
    history_close(h);
    h = history_open("");
    add(h, "one");
    CHECK(history_count(h) == 1 && !history_error(h), "%zu", history_count(h));
    history_close(h);
}

/* A link to the history stays one, also when the file is written anew. */
static void test_link(void) {
    struct stat st;
    char target[160];
    in_folder("target");
    snprintf(target, sizeof target, "%s", path);
    FILE *f = fopen(path, "w");
    for (int i = 0; f && i < 2500; i++) fprintf(f, "entry %d\n", i);
    if (f) fclose(f);
    in_folder("link");
    CHECK(symlink(target, path) == 0, "symlink");
    struct history *h = history_open(path);
    history_close(h);
    CHECK(lstat(path, &st) == 0 && S_ISLNK(st.st_mode), "no link any more");
    CHECK(stat(target, &st) == 0 && st.st_size == 11000, "%ld bytes", (long)st.st_size);
}

int main(void) {
    strcpy(folder, "/tmp/qw-history-XXXXXX");
    if (!mkdtemp(folder)) return 1;
    RUN("history entries and modes", test_entries);
    RUN("history of many entries", test_many);
    RUN("history of long entries", test_long);
    RUN("history of several programs", test_together);
    RUN("history that is shortened meanwhile", test_shortened);
    RUN("history that is damaged", test_damaged);
    RUN("history of random bytes", test_random);
    RUN("history of a terabyte", test_huge);
    RUN("history that is no file", test_no_file);
    RUN("history behind a link", test_link);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command)) return 1;
    TEST_END();
}
