/* model.c - L5: which model is meant when none is named. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli.h"

/* Beside the binary, in ./models, or where `make install` puts it next to its bin directory. */
static bool bundled(char out[MODEL_PATH]) {
    char exe[MODEL_PATH];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = 0;
    char *slash = strrchr(exe, '/');
    if (slash) *slash = 0;
    const char *const places[] = {"%s/models/tiny", "./models/tiny", "%s/../share/qw/models/tiny"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (!slash && places[i][0] == '%') continue;
        char probe[MODEL_PATH + 32];
        int len = places[i][0] == '%' ? snprintf(out, MODEL_PATH, "%s%s", exe, places[i] + 2) : snprintf(out, MODEL_PATH, "%s", places[i]);
        if (len < 0 || len >= MODEL_PATH) continue;
        snprintf(probe, sizeof probe, "%s/config.json", out);
        if (access(probe, F_OK) == 0) return true;
    }
    return false;
}

const char *find_model(const char *path, bool quiet, char found[MODEL_PATH]) {
    if (path) return path;
    if (!bundled(found)) {
        say("no model: name one with -m DIR or QW_MODEL (the bundled models/tiny is not beside the binary, here, or where make install puts it)");
        return NULL;
    }
    if (!quiet) say("using the bundled model %s; -m DIR or QW_MODEL choose another", found);
    return found;
}
