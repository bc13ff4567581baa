/* Validation of every CLIP stage: accuracy on the ground-truth masks of a held-out set, and beside
 * it on those of a retention probe, which shows what is lost of what the CLIP knew before. */
#pragma once

#include "eval/mask_accuracy.h"
#include "train/clip_run.h"
#include "train/metrics.h"

/* The masks of a set and their names. */
struct named_crops {
    struct mask_crops crops;
    bool *seen, *unseen; /* [K] */
    tensor *text;        /* [K, D], held: the text tower does not move; NULL: encoded each time */
    char **names;
    int64_t K;
};

struct clip_validation {
    struct named_crops set, probe; /* no crops: none */
};

/* validate.probe: this word in the place of a file means the drawn test scenes, of which there are
 * so many. What they are never changes: probes of different runs can be compared. */
extern const char clip_probe_word[];
enum { CLIP_PROBE_SCENES = 100 };
bool clip_probe_is_drawn(const struct node *n);
/* What decides the probe, a line of the identity; NULL: there is none, or it is an input. */
const char *clip_probe_identity(const struct node *n);
extern const char *const clip_probe_files[]; /* a stage's `files` */
/* A file that is no set with masks: ERR_DATA and what opening it ends with. */
int clip_probe_check(const struct node *n);

bool clip_judges(const struct dataset *d); /* a set with masks and names: it can be validated on */

/* Empty when the stage validates on no set and has no probe. `frozen_text`: names are encoded
 * once. */
int clip_validation_open(struct clip_validation *v, const struct node *n, const struct clip_run *c,
                         bool frozen_text);
void clip_validation_free(struct clip_validation *v);
bool clip_validation_any(const struct clip_validation *v);

/* A batch of it, on ranks that have `samples` of a step each; nothing, when that would take longer
 * than some three steps. */
int clip_validation_try(const struct clip_validation *v, const struct node *n,
                        const struct clip_run *c, int64_t samples);

/* mask_accuracy, and of seen and unseen classes; with prompts when the model has them. Then
 * probe_accuracy. */
int clip_validation_run(const struct clip_validation *v, const struct node *n,
                        const struct clip_run *c, struct metrics_row *row);
