/* The whole model as the reference stores it: the proposal network, and below
 * clip_adapter.clip_model the CLIP that names its regions, in one registry (reference-spec 3.2).
 */
#pragma once

#include "nn/models/clip.h"
#include "nn/models/maskformer.h"

struct ovseg {
    struct maskformer proposals;
    struct clip clip;
};

/* Registers backbone.*, sem_seg_head.*, clip_adapter.non_object_embedding and
 * clip_adapter.clip_model.* below `at`. */
void ovseg_init(struct ovseg *m, struct path at, const struct maskformer_options *proposals,
                const struct clip_options *clip);
void ovseg_free(struct ovseg *m);
