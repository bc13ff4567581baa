#include "train/weights/run_weights.h"

#include <stdlib.h>

#include "base/error.h"
#include "checkpoints/import.h"
#include "checkpoints/weights.h"
#include "train/run/run.h"

static const char CLIP[] = "clip_adapter.clip_model.";
static const char *const prompts[] = {"visual.mask_embedding", "visual.prompt_embedding"};
enum { PROMPTS = sizeof prompts / sizeof *prompts };
static const char *const clip[] = {"clip_adapter.clip_model.*"};
static const char *const image_tower[] = {"visual.*"};

static bool is_import(const struct node *n) { return n->config.run.stage == STAGE_IMPORT; }

/* What an import reads, before it has run. */
static const char *source(const struct node_input *in) {
    const struct node *n = in->node;
    return is_import(n) && !n->done ? node_input(n, "file")->path : NULL;
}

static int load_file(const char *file, enum weights_part part, struct params *p, bool new_prompts) {
    struct import im;
    int status = import_open(&im, file, NULL);
    const char *prefix = status ? NULL : import_clip_prefix(&im);
    struct import_options o = {0};
    if (part == WEIGHTS_CLIP) {
        if (!status && !prefix) status = error_set(ERR_DATA, "%s: there is no CLIP in it", file);
        o = (struct import_options){.prefix = prefix && *prefix ? prefix : NULL,
                                    .allow_missing = prompts,
                                    .n_allow_missing = new_prompts ? PROMPTS : 0};
    } else {
        o = (struct import_options){.allow_unexpected = clip, .n_allow_unexpected = 1};
    }
    if (!status) status = import_copy(&im, p, o);
    import_close(&im);
    return status;
}

/* Whether a file of ours holds a tensor of that name. */
static int holds(const char *file, const char *name, bool *does) {
    struct tensor_file f;
    int status = tensor_file_open(&f, file, NULL);
    *does = !status && st_table_find(f.table, name);
    tensor_file_close(&f);
    return status;
}

static int load_run(const struct node_input *in, enum weights_part part, struct params *p,
                    bool new_prompts) {
    char *file;
    bool whole = false;
    struct weights_options o = {.exact = true};
    int status = run_weights(in, &file);
    if (!status && is_import(in->node))
        status = holds(file, "clip_adapter.clip_model.logit_scale", &whole);
    if (part == WEIGHTS_CLIP) {
        o.prefix = whole ? CLIP : NULL;
        o.allow_missing = prompts;
        o.n_allow_missing = new_prompts ? PROMPTS : 0;
        if (in->node->text_alone) {
            o.allow_missing = image_tower;
            o.n_allow_missing = 1;
        }
    } else if (whole) {
        o.allow_unexpected = clip;
        o.n_allow_unexpected = 1;
    }
    if (!status) status = weights_load(file, p, o);
    free(file);
    return status;
}

int run_load(const struct node_input *in, enum weights_part part, struct params *p,
             bool new_prompts) {
    const char *file = source(in);
    return file ? load_file(file, part, p, new_prompts) : load_run(in, part, p, new_prompts);
}

int run_has_proposals(const struct node_input *in, bool *has) {
    static const char query[] = "sem_seg_head.predictor.query_embed.weight";
    const char *path = source(in);
    char *file = NULL;
    *has = in->node->config.run.stage == STAGE_PROPOSALS;
    if (!is_import(in->node)) return 0;
    if (path) {
        struct import im;
        int status = import_open(&im, path, NULL);
        *has = !status && import_find(&im, query);
        import_close(&im);
        return status;
    }
    int status = run_weights_unread(in, &file); /* loading verifies them */
    if (!status) status = holds(file, query, has);
    free(file);
    return status;
}
