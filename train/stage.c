#include "train/stage.h"

#include "base/error.h"

const struct stage *stage_find(int kind) {
    switch ((enum stage_kind)kind) {
    case STAGE_SCENES: return &stage_scenes;
    case STAGE_PREPARE: return &stage_prepare;
    case STAGE_CLIP_PRETRAIN: return &stage_clip_pretrain;
    case STAGE_PROPOSALS: return &stage_proposals;
    case STAGE_MINE: return &stage_mine;
    case STAGE_CLIP_FINETUNE: return &stage_clip_finetune;
    case STAGE_MASK_PROMPT: return &stage_mask_prompt;
    case STAGE_CLIP_JOINT: return &stage_clip_joint;
    case STAGE_EVALUATE: return &stage_evaluate;
    case STAGE_IMPORT: return &stage_import;
    case STAGE_KINDS: break;
    }
    REQUIRE(false, "stage kind %d", kind);
}
