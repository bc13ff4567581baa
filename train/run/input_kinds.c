#include "train/run/input_kinds.h"

#include <string.h>

#include "base/file.h"
#include "checkpoints/import.h"
#include "data/pairs.h"
#include "train/given.h"

/* Besides a run, also a path: a folder of pairs, or a table of them. */
static bool takes_path(const char *input) {
    return strcmp(input, "pairs") == 0 || strcmp(input, "more_pairs") == 0;
}

/* A user's file or folder, by its form. */
static bool takes_either(const char *input) {
    return strcmp(input, "captions") == 0 || strcmp(input, "masks") == 0;
}

unsigned input_kinds(const char *input, bool *folder) {
    enum {
        CLIP = 1 << STAGE_CLIP_PRETRAIN | 1 << STAGE_CLIP_FINETUNE | 1 << STAGE_MASK_PROMPT |
               1 << STAGE_CLIP_JOINT | 1 << STAGE_IMPORT
    };
    static const struct {
        const char *name;
        unsigned kinds;
        bool folder;
    } known[] = {{"scenes", 1 << STAGE_SCENES | 1 << STAGE_PREPARE, true},
                 {"proposals", 1 << STAGE_PROPOSALS | 1 << STAGE_IMPORT, false},
                 {"pairs", 1 << STAGE_MINE, false},
                 {"more_pairs", 1 << STAGE_MINE, false},
                 {"images", 0, true},
                 {"captions", 0, false},
                 {"masks", 0, false},
                 {"instances", 0, false},
                 {"maps", 0, true},
                 {"split", 0, true},
                 {"names", 0, false},
                 {"similarity", 0, false},
                 {"file", 0, false}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, input) == 0) {
            *folder = known[i].folder;
            return known[i].kinds;
        }
    return CLIP; /* "clip", and whatever an evaluation calls its models */
}

bool input_takes_weights(const char *input) {
    bool folder = false;
    return input_kinds(input, &folder) >> STAGE_IMPORT & 1;
}

bool input_is_masks(const char *input, const char *path) {
    return strcmp(input, "proposals") == 0 && given_is(path);
}

void input_check(const struct node_input *in, const char *origin, struct problems *p) {
    bool folder = false;
    unsigned kinds = input_kinds(in->name, &folder);
    if (in->node && in->node->stage && !(kinds >> in->node->config.run.stage & 1))
        problems_add(p, "%s: inputs.%s: %s is a run of stage %s%s", origin, in->name,
                     in->node->path, in->node->stage->name,
                     kinds    ? ", which cannot serve as this"
                     : folder ? "; a folder is needed"
                              : "; a file is needed");
    if (in->path && takes_path(in->name)) {
        if (dir_exists(in->path) && !pairs_folder(in->path))
            problems_add(p,
                         "%s: inputs.%s: %s is neither a run nor a folder of pairs (it has no "
                         "manifest.json)",
                         origin, in->name, in->path);
        return;
    }
    bool other =
        in->path && ((folder && dir_exists(in->path)) || input_is_masks(in->name, in->path));
    if (in->path && kinds && !other)
        problems_add(p, "%s: inputs.%s: %s is neither a config nor a run folder", origin, in->name,
                     in->path);
    bool weights = in->path && strcmp(in->name, "file") == 0 && import_is_weights(in->path);
    if (in->path && !kinds && !weights && !takes_either(in->name) && dir_exists(in->path) != folder)
        problems_add(p, "%s: inputs.%s: %s is a %s; a %s is needed", origin, in->name, in->path,
                     folder ? "file" : "folder", folder ? "folder" : "file");
}
