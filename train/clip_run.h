/* What the stages that use CLIP share: opening a CLIP from a run, the features of names, batches of
 * pictures as tensors, and accuracy on the masks of a set. */
#pragma once

#include "data/dataset.h"
#include "eval/class_text.h"
#include "eval/segment.h"
#include "nn/models/clip.h"
#include "train/run/graph.h"

/* A CLIP with the registry of its tensors. */
struct clip_run {
    struct params params;
    struct clip clip;
};

/* Makes a CLIP with the options of the chain (random weights of the node's seed), with prompts or
 * without (NULL). */
void clip_run_init(struct clip_run *c, const struct node *n, const struct prompt_options *prompt);

/* The CLIP of an input: its weights, verified. `prompt` NULL: with the prompts that the run has, if
 * it has any; otherwise with prompts of that depth: the run's, which then go on, or new ones if it
 * has none. */
int clip_run_open(struct clip_run *c, const struct node *n, const char *input,
                  const struct prompt_options *prompt);
int clip_run_open_from(struct clip_run *c, const struct node *n, const struct node_input *in,
                       const struct prompt_options *prompt);
void clip_run_free(struct clip_run *c);

/* How a stage makes texts of names with the CLIP of an input: its settings, and the tokenizer's
 * file where the CLIP came with one. Nothing in it is owned. */
struct text_options clip_run_text(const struct node *n, const struct node_input *in);

/* The prompts that the weights of a CLIP's run have; NULL: none. */
const struct prompt_options *clip_run_prompts(const struct node *n);

/* Its image tower as what encodes masked regions, with prompts when it has them. */
struct region_encoder clip_regions(const struct clip *c);

/* [B, S, S, 3] bytes -> [B, 3, S, S], normalized with CLIP's mean and deviation. */
tensor *clip_pixels(const uint8_t *at, int64_t B, int64_t S);

/* Pixels of no picture, [n] bytes: no two rows of them alike. */
void made_up_pixels(uint8_t *at, int64_t n);

/* Opens the set NAME.h5 of the scenes input. */
int clip_open_set(const struct node *n, const char *name, struct dataset *d);
