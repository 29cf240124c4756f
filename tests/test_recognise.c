/* test_recognise.c - directories and files that are no model but are often taken for one: the
 * message says what each is, and which file.
 *
 * Each case makes some files in a directory of its own and loads it; a good model stays good. */
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "qw.h"
#include "base/file.h"
#include "test.h"

#define FIXTURE "tests/fixtures/forward/tied-bf16/"
#define LFS "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 1503300328\n"
#define HTML "<!DOCTYPE html>\n<html><head><title>404</title></head></html>\n"
#define LONG "this is no short answer of a server, but a text of more than 70 bytes; "
#define TWO_SHARDS "{\"weight_map\":{\"a\":\"model-1.safetensors\",\"b\":\"model-2.safetensors\"}}"
#define ANSWER "looks like a server's answer, not like the file itself: '"
#define UNFINISHED "is there: the download has not finished"

static char root[256];

/* ---- files ---- */

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}
static void clear(void) { nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS); }

static const char *in_root(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

/* Make the directories above a file. */
static void make_folders(const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *p = path + 1; (p = strchr(p, '/')) != NULL; *p++ = '/') {
        *p = 0;
        mkdir(path, 0700);
    }
}

static void must(int ok, const char *what) {
    if (ok) return;
    perror(what);
    exit(1);
}

/* text "=": the file of the fixture that has the same last part; "->TO": a link. */
static void make(const char *name, const char *text) {
    struct file f = {.data = (const unsigned char *)text, .size = strlen(text),
                     .kind = FILE_BORROWED};
    char from[300];
    const char *last = strrchr(name, '/');
    make_folders(name);
    if (strncmp(text, "->", 2) == 0) {
        must(symlink(text + 2, in_root(name)) == 0, name);
        return;
    }
    snprintf(from, sizeof from, FIXTURE "%s", last ? last + 1 : name);
    if (strcmp(text, "=") == 0) must(read_file(&f, from, 1 << 24, NULL) == 0, from);
    FILE *out = fopen(in_root(name), "wb");
    must(out && fwrite(f.data, 1, f.size, out) == f.size && fclose(out) == 0, name);
    file_close(&f);
}

/* ---- cases ---- */

struct given { const char *name, *text; };
struct example {
    const char *name;
    const char *path;               /* below the directory, "" for itself */
    struct given files[5];
    const char *says[3];            /* parts of the message, "$" for its end; none: it loads */
};

static int says(const char *message, const char *part) {
    char text[300];
    size_t n = strlen(part);
    if (part[n - 1] != '$') return strstr(message, part) != NULL;
    snprintf(text, sizeof text, "%.*s", (int)n - 1, part);
    return path_ends_with(message, text);
}

static void run(const struct example *e) {
    qw_model *m;
    qw_error err = {0, ""};
    clear();
    must(mkdir(root, 0700) == 0, root);
    for (int i = 0; i < 5 && e->files[i].name; i++) make(e->files[i].name, e->files[i].text);
    int rc = qw_load(&m, in_root(e->path), &(qw_load_params){.n_threads = 1}, &err);
    CHECK((rc != 0) == (e->says[0] != NULL), "%s: %d %s", e->name, rc, err.message);
    CHECK(rc == err.code, "%s: returns %d, code %d", e->name, rc, err.code);
    for (int i = 0; i < 3 && e->says[i]; i++)
        CHECK(says(err.message, e->says[i]), "%s: '%s' lacks '%s'", e->name, err.message,
              e->says[i]);
    if (!rc) qw_free(m);
}

static void run_all(const struct example *list, size_t n) {
    for (size_t i = 0; i < n; i++) run(&list[i]);
    clear();
}
#define RUN_ALL(list) run_all(list, sizeof list / sizeof *list)

/* The file has the right name and is something else. */
static void test_files(void) {
    static const struct example list[] = {
        {"a good model", "", {{"config.json", "="}, {"model.safetensors", "="}}, {0}},
        {"pointer for config.json", "", {{"config.json", LFS}, {"model.safetensors", LFS}},
         {"/config.json is a Git LFS pointer", "git lfs pull"}},
        {"pointer for weights", "", {{"config.json", "="}, {"model.safetensors", LFS}},
         {"/model.safetensors is a Git LFS pointer"}},
        {"pointer for a shard", "",
         {{"config.json", "="}, {"model.safetensors.index.json", TWO_SHARDS},
          {"model-1.safetensors", LFS}, {"model-2.safetensors", LFS}},
         {"/model-1.safetensors is a Git LFS pointer"}},
        {"pointer for the index", "",
         {{"config.json", "="}, {"model.safetensors.index.json", LFS}},
         {"/model.safetensors.index.json is a Git LFS pointer"}},
        {"pointer for tokenizer.json", "",
         {{"config.json", "="}, {"model.safetensors", "="}, {"tokenizer.json", LFS}},
         {"/tokenizer.json is a Git LFS pointer"}},
        {"pointer for generation_config.json", "",
         {{"config.json", "="}, {"model.safetensors", "="}, {"generation_config.json", LFS}},
         {"/generation_config.json is a Git LFS pointer"}},
        {"pointer for tokenizer_config.json", "",
         {{"config.json", "="}, {"model.safetensors", "="}, {"tokenizer_config.json", LFS}},
         {"/tokenizer_config.json is a Git LFS pointer"}},
        {"pointer that is named itself", "x.safetensors", {{"x.safetensors", LFS}},
         {"/x.safetensors is a Git LFS pointer"}},
        {"page for config.json, after a mark", "", {{"config.json", "\xEF\xBB\xBF\n" HTML}},
         {"/config.json is a web page", "/resolve/"}},
        {"page for weights", "", {{"config.json", "="}, {"model.safetensors", HTML}},
         {"/model.safetensors is a web page"}},
        {"sentence for config.json", "", {{"config.json", "Entry not found"}},
         {"/config.json " ANSWER "Entry not found'"}},
        {"sentence for weights", "", {{"config.json", "="}, {"model.safetensors", "Not Found\n"}},
         {"/model.safetensors " ANSWER "Not Found'"}},
        {"error for config.json", "", {{"config.json", "{\"error\":\"Repository not found\"}"}},
         {"/config.json " ANSWER "{\"error\":\"Repository not found\"}'"}},
        {"GGUF under a wrong name", "", {{"config.json", "="}, {"model.safetensors", "GGUF\3..."}},
         {"/model.safetensors is in llama.cpp's format GGUF"}},
        {"GGUF that is named itself", "a.gguf", {{"a.gguf", "GGUF\3"}},
         {"/a.gguf is in llama.cpp's format GGUF", "in safetensors"}},
        {"PyTorch that is named itself", "pytorch_model.bin", {{"pytorch_model.bin", "PK\3\4.."}},
         {"/pytorch_model.bin is in PyTorch's format", "save_pretrained"}},
        {"a link to no file", "x.safetensors", {{"x.safetensors", "->gone/y"}},
         {"cannot open /", "/x.safetensors: ", "; it is a link to gone/y, which is not there"}},
        {"a link to no directory", "x", {{"x", "->gone"}},
         {"/x is neither a model directory nor", "; it is a link to gone, which is not there"}},
        {"no file at all", "x", {{"y", ""}}, {"/x: no such file or directory$"}},
        {"a file of a model", "config.json", {{"config.json", "="}, {"model.safetensors", "="}},
         {"/config.json is neither", "it lies in a model's directory, /"}},
        {"a file of no model", "x.txt", {{"x.txt", "hello"}},
         {"/x.txt is neither a model directory nor a .safetensors file$"}},
        {"other faults stay as they are", "", {{"config.json", "{\"model_type\":\"x\"}"}},
         {"model_type is '"}},
        {"bad JSON stays bad JSON", "", {{"config.json", "{\"model_type\":"}},
         {"/config.json: not valid JSON at byte 14: the text ends too early$"}},
        {"a word stays bad JSON", "", {{"config.json", "nothing"}}, {"not valid JSON at byte"}},
        {"bytes stay bad JSON", "", {{"config.json", "Entry not \xFF found"}},
         {"not valid JSON at byte"}},
        {"a long text stays bad JSON", "", {{"config.json", LONG LONG LONG LONG LONG LONG}},
         {"not valid JSON at byte"}},
        {"the file that is meant, among names that begin like it", "",
         {{"con", "hello"}, {"config.json", LFS}, {"c", "hello"}, {"config.jso", "hello"}},
         {"/config.json is a Git LFS pointer"}},
        {"a wrong file that is not to blame", "",
         {{"config.json", "{\"model_type\":"}, {"model.safetensors", LFS}},
         {"the text ends too early$"}},
        {"a file cut short beside its download's notes", "",
         {{"config.json", "="}, {"model.safetensors", "\2\2"}, {"model.safetensors.aria2", "x"}},
         {"not a safetensors file", "model.safetensors.aria2 " UNFINISHED}},
        {"a file cut short beside another download", "",
         {{"config.json", "="}, {"model.safetensors", "\2\2"}, {"other.aria2", "x"}},
         {"cut short$"}},
    };
    RUN_ALL(list);
}

/* Something is missing in the directory. */
static void test_directories(void) {
    static const struct example list[] = {
        {"an empty directory", "", {{0}}, {"config.json is missing; the directory is empty"}},
        {"GGUF only", "", {{"b.gguf", "GGUF"}, {"a.gguf", "GGUF"}, {"c.gguf", "GGUF"}},
         {"config.json is missing; a.gguf is in llama.cpp's format GGUF"}},
        {"GGUF and config.json", "", {{"config.json", "="}, {"a.gguf", "GGUF"}},
         {"holds no weights", "; a.gguf is in llama.cpp's"}},
        {"GGUF beside weights", "", {{"model.safetensors", "="}, {"a.gguf", "GGUF"}},
         {"config.json is missing$"}},
        {"an adapter and config.json", "",
         {{"config.json", "="}, {"adapter_config.json", "{}"}, {"a/config.json", "="}},
         {"holds no weights: neither model.safetensors nor",
          "with its files; the directory holds an adapter, not a model: merge it into its base "
          "model$"}},
        {"a subdirectory with a config.json is not meant", "",
         {{"config.json", "="}, {"a/config.json", "="}}, {"holds no weights", "with its files$"}},
        {"an adapter beside a shard that is missing", "",
         {{"config.json", "="}, {"adapter_config.json", "{}"},
          {"model.safetensors.index.json", TWO_SHARDS}}, {"model-1.safetensors is missing"}},
        {"PyTorch only", "", {{"config.json", "="}, {"pytorch_model.bin", "PK"}},
         {"holds no weights", "; pytorch_model.bin is in PyTorch's format"}},
        {"PyTorch in parts", "",
         {{"config.json", "="}, {"pytorch_model.bin.index.json", "{}"},
          {"pytorch_model-00001-of-00002.bin", "PK"}},
         {"; pytorch_model-00001-of-00002.bin is in PyTorch's format"}},
        {"adapter", "",
         {{"adapter_config.json", "{\"base_model_name_or_path\":\"Qwen/Qwen3-4B\"}"},
          {"adapter_model.safetensors", "x"}},
         {"; the directory holds an adapter, not a model: merge it into Qwen/Qwen3-4B"}},
        {"adapter for what is no name", "",
         {{"adapter_config.json", "{\"base_model_name_or_path\":[\"x\"]}"}},
         {"merge it into its base model$"}},
        {"adapter for nothing", "", {{"adapter_config.json", "[]"}},
         {"; the directory holds an adapter, not a model: merge it into its base model"}},
        {"one level too high", "",
         {{"a/config.json", "="}, {"a/model.safetensors", "="}, {"b/x", "x"}},
         {"config.json is missing; a subdirectory has one: /", "/a"}},
        {"one level too high, several", "", {{"b/config.json", "="}, {"a/config.json", "="}},
         {"; 2 subdirectories have one, such as /", "/a"}},
        {"a model's directory of the hub's cache", "",
         {{"snapshots/abc/config.json", "="}, {"refs/main", "abc"}},
         {"; a subdirectory has one: /", "/snapshots/abc"}},
        {"the hub's cache", "",
         {{"models--b--c/snapshots/abc/config.json", "="}, {"models--a--b/refs/main", "abc"},
          {"version.txt", "1"}},
         {"config.json is missing; the directory is the hub's cache; a model in it is /",
          "/models--a--b$"}},
        {"a directory of other things", "", {{"model/x", "x"}, {"x", "x"}},
         {"config.json is missing$"}},
        {"download that has begun", "", {{"model.safetensors.incomplete", "x"}},
         {"config.json is missing; model.safetensors.incomplete " UNFINISHED}},
        {"download into a directory", "",
         {{"config.json", "="}, {".cache/huggingface/download/Ab=.01.incomplete", "x"}},
         {"holds no weights", "Ab=.01.incomplete " UNFINISHED}},
        {"download into the cache", "snapshots/abc",
         {{"snapshots/abc/config.json", "="}, {"blobs/0123.incomplete", "x"}},
         {"holds no weights", "; 0123.incomplete " UNFINISHED}},
        {"a snapshot of some files", "snapshots/abc/", {{"snapshots/abc/config.json", "="}},
         {"the hub's cache holds only some files of this model"}},
        {"missing shard, its download", "",
         {{"config.json", "="}, {"model.safetensors.index.json", TWO_SHARDS},
          {"model-1.safetensors.incomplete", "x"}},
         {"model-1.safetensors is missing", "model-1.safetensors.incomplete " UNFINISHED}},
        {"links that were copied alone", "", {{"config.json", "->../../blobs/0123"}},
         {"it is a link to ../../blobs/0123, which is not there"}},
        {"linked weights that were copied alone", "",
         {{"config.json", "="}, {"model.safetensors", "->../../blobs/45"}},
         {"it is a link to ../../blobs/45, which is not there"}},
    };
    RUN_ALL(list);
}

/* A packed file's check, a tokenizer and templates have ways of their own to the files. */
static void test_other_functions(void) {
    qw_tokenizer *t;
    qw_error err = {0, ""};
    char *text;
    size_t n;
    clear();
    make("tokenizer.json", LFS);
    make("tokenizer_config.json", HTML);
    make("x.safetensors", LFS);
    CHECK(qw_tokenizer_load(&t, root, &err) == QW_EFORMAT, "%s", err.message);
    CHECK(strstr(err.message, "/tokenizer.json is a Git LFS pointer"), "%s", err.message);
    CHECK(qw_tokenizer_load(&t, in_root("tokenizer.json"), &err) == QW_EFORMAT, "%s", err.message);
    CHECK(strstr(err.message, "/tokenizer.json is a Git LFS pointer"), "%s", err.message);
    CHECK(qw_verify(in_root("x.safetensors"), &err) == QW_EFORMAT, "%s", err.message);
    CHECK(strstr(err.message, "/x.safetensors is a Git LFS pointer"), "%s", err.message);
    CHECK(qw_render_chat(root, NULL, "{\"messages\":[]}", 15, &text, &n, &err) == QW_EFORMAT, "%s",
          err.message);
    CHECK(strstr(err.message, "/tokenizer_config.json is a web page"), "%s", err.message);
    CHECK(qw_load(&(qw_model *){NULL}, root, NULL, NULL) == QW_EIO, "no place for a message");
}

/* The tokenizer is loaded as a part of the model: it is explained once all the same. */
static void test_once(void) {
    static const struct example link = {
        "a tokenizer.json that links to itself", "",
        {{"config.json", "="}, {"model.safetensors", "="}, {"tokenizer.json", "->tokenizer.json"}},
        {"/tokenizer.json", "; it is a link to tokenizer.json, which is not there"},
    };
    qw_model *m;
    qw_error err = {0, ""};
    run(&link);
    CHECK(qw_load(&m, root, NULL, &err) == QW_EIO, "%s", err.message);
    const char *first = strstr(err.message, "it is a link");
    CHECK(first && !strstr(first + 1, "it is a link"), "%s", err.message);
}

int main(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(root, sizeof root, "%.200s/qw-recognise-XXXXXX", tmp ? tmp : "/tmp");
    must(mkdtemp(root) != NULL, root);
    RUN("recognise: files that are something else", test_files);
    RUN("recognise: directories in which something is missing", test_directories);
    RUN("recognise: once", test_once);
    RUN("recognise: tokenizers, templates, packed files", test_other_functions);
    clear();
    TEST_END();
}
