/* quantize_api.c - packed files through qw.h. */
#include "engine/model.h"
#include "model/packed_file.h"
#include "model/recognise.h"

int qw_quantize(const char *path, const char *weight_type, const qw_load_params *params,
                int (*write)(void *user, const void *p, size_t n), void *user, qw_error *err) {
    qw_load_params load = params ? *params : (qw_load_params){0};
    enum packed_type type = NOT_PACKED;
    struct model_files files;
    struct qw_model *m;
    if (!weight_type || weight_type_from_name(&type, weight_type, NULL) || type == NOT_PACKED)
        return fail(err, QW_EARG, "weight type '%s' is not a packed one (q8 or q4)",
                    weight_type ? weight_type : "");
    load.compare_all = 1;
    int rc = load_unprepared(&m, path, &load, err);
    if (rc) return rc;
    if (m->weights.type != NOT_PACKED)
        rc = fail(err, QW_EARG, "%s is already packed as %s; start from the original", path,
                  weight_type_name(m->weights.type));
    if (!rc) rc = model_files_of(&files, m->path, &m->checkpoint, err);
    if (!rc) {
        struct packer p = {
            .type = type,
            .kernels = m->kernels,
            .pool = m->batch_pool,
            .progress = load.progress,
            .user = load.user,
        };
        rc = packed_file_write(&m->weights, &files, &p, write, user, err);
        model_files_close(&files);
    }
    qw_free(m);
    return rc;
}

int qw_verify(const char *path, qw_error *err) {
    int rc = packed_file_verify(path, err);
    return path_kind(path) == PATH_FILE ? recognise(path, rc, err) : rc;
}
