/* A stage of the method: what it needs, and how it runs in a run folder.
 *
 * All stages of a chain are checked before the first one starts; `run` finds its inputs finished.
 * It is called again after an interruption and goes on from what is in the folder.
 */
#pragma once

#include "base/problems.h"
#include "configs/config.h"

struct node; /* train/run/graph.h */

struct stage {
    const char *name;          /* "mask-prompt" */
    const char *const *inputs; /* names that must be given, then NULL */
    const char *const *maybe;  /* names that may be given; "*": any */
    const char *const *files;  /* settings that name a file, then NULL; NULL: none. Each that is set
                                * is an input of the setting's name. */
    bool ranks;                /* all ranks run it together; otherwise rank 0 alone */
    int revision;              /* raised when a change of the code alters results */
    /* What can be seen without running: settings that contradict each other or an input. */
    void (*check)(const struct node *n, struct problems *p);
    int (*run)(struct node *n);
    /* What can be seen of the inputs before the first stage starts: the user's files, read as
     * `run` will where that is quick, and runs that do not belong together. May be NULL. */
    int (*check_inputs)(const struct node *n);
};

extern const struct stage stage_scenes, stage_prepare, stage_clip_pretrain, stage_proposals,
    stage_mine, stage_clip_finetune, stage_mask_prompt, stage_clip_joint, stage_evaluate,
    stage_import;

const struct stage *stage_find(int kind); /* enum stage_kind of configs/config.h */
