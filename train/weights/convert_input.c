#include "train/weights/convert_input.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "checkpoints/checkpoint.h"
#include "checkpoints/history.h"
#include "checkpoints/manifest.h"
#include "train/run/run.h"

/* The checkpoint that IN means, owned; NULL and the error. */
static char *find_checkpoint(const char *in) {
    bool best;
    char *dir = run_split(in, &best), *path = NULL;
    if (!dir_exists(dir)) {
        bool there = access(dir, F_OK) == 0;
        error_set(ERR_MISSING, "%s: %s", *dir ? dir : "\"\"",
                  there             ? "is neither a file nor a folder"
                  : errno == ENOENT ? "no such file or folder"
                                    : strerror(errno));
    } else if (run_folder(dir)) {
        path = best ? history_best(dir) : history_last(dir);
        if (!path && !error_status())
            error_set(ERR_MISSING, "%s: no %scheckpoint in this run", dir, best ? "best " : "");
    } else {
        path = mem_strdup(dir);
    }
    free(dir);
    return path;
}

int convert_checkpoint_file(const char *in, const char *part, char **file) {
    char *dir = find_checkpoint(in), *name = mem_format("%s.safetensors", part);
    struct manifest m = {0};
    int status = dir ? checkpoint_verify(dir) : error_status();
    if (!status) status = manifest_read(&m, MANIFEST_CHECKPOINT, dir);
    if (!status && !manifest_find(&m, name))
        status = error_set(ERR_MISSING, "%s: holds no %s", dir, name);
    *file = status ? NULL : path_join(dir, name);
    manifest_free(&m);
    free(name);
    free(dir);
    return status;
}

/* What the run of a checkpoint, or the one that its CLIP started from, says of it. It may be
 * unfinished, or those before it gone: then nothing is known, and who needs it will ask. */
static void learn_run(struct import_facts *facts, const char *file) {
    char *checkpoint = path_dir(file), *run = path_dir(checkpoint);
    struct graph g = {0};
    const struct node *n = run_folder(run) ? run_node_open(&g, run) : NULL;
    if (n) n = node_clip(n);
    if (n) {
        struct clip_options o = clip_model(&n->config.clip, NULL);
        facts->activation = o.text.activation;
        facts->image_heads = o.resnet.width ? 0 : o.image.heads;
        facts->text_heads = o.text.heads;
        import_facts_usual_pixels(facts);
    }
    if (error_status()) log_info("%s", error_message());
    error_clear();
    graph_close(&g);
    free(run);
    free(checkpoint);
}

int convert_open(struct import *im, const char *in, const char *part) {
    *im = (struct import){0};
    if (import_is_weights(in)) return import_open(im, in, part);
    char *file;
    int status = convert_checkpoint_file(in, "model", &file);
    if (!status) status = import_open(im, file, NULL);
    if (!status && import_clip_prefix(im)) learn_run(&im->facts, file);
    free(file);
    return status;
}

int convert_resize(struct import *im, int64_t pixels) {
    const char *prefix = import_clip_prefix(im);
    if (!prefix) return error_set(ERR_CONFIG, "%s: --image-size, but holds no CLIP", im->path);
    char *name = mem_format("%svisual.conv1.weight", prefix);
    struct shape conv = import_find(im, name)->shape;
    free(name);
    if (conv.n != 4 || conv.d[3] < 1 || pixels % conv.d[3])
        return error_set(ERR_CONFIG, "--image-size %" PRId64 ": not a multiple of the patches'",
                         pixels);
    return import_resize(im, prefix, pixels / conv.d[3]);
}

int convert_activation(struct import *im, const char *name) {
    static const char *const words[] = {"quickgelu", "gelu"}; /* enum clip_activation */
    for (int i = 0; i < 2; i++) {
        if (strcmp(name, words[i]) != 0) continue;
        if (im->facts.activation != ACTIVATION_UNKNOWN && im->facts.activation != i)
            return error_set(ERR_CONFIG, "--activation %s: %s tells %s", name, im->path,
                             words[im->facts.activation]);
        im->facts.activation = i;
        return 0;
    }
    return error_set(ERR_USAGE, "--activation %s: is neither quickgelu nor gelu", name);
}
