/* What evaluation and `ovseg segment` share: inference (eval/segment.h) with models out of runs. */
#pragma once

#include "eval/segment.h"
#include "train/proposals_run.h"

/* A CLIP out of a run that names regions. Do not copy it. */
struct namer_run {
    struct clip_run clip;
    struct namer namer;
    const struct node_input *from;  /* the input, */
    const struct text_options *how; /* and how its texts were made: both of the evaluation */
    const struct namer_run *next;   /* another one that is open */
};

/* Features of names, their wordings put together as eval.synonyms says: [K, D] or [W, K, D]. */
tensor *segment_text(const struct clip *c, const struct text_options *text,
                     const struct vocabulary *v, int synonyms);

/* The CLIP of an input, with the text and temperature settings of `n`, which is an evaluation. */
int namer_run_open(struct namer_run *m, const struct node *n, const char *input,
                   const struct vocabulary *v);
/* Other names for one that is open. After an error it has those it had. */
int namer_run_names(struct namer_run *m, const struct node *n, const struct vocabulary *v);
void namer_run_close(struct namer_run *m);

/* eval.shortest and eval.longest, where 0 stands for the sides that the network was trained at:
 * that of its crops, or the short one of its training pictures. */
int segment_size_of(struct segment_size *s, const struct node *n);

/* An input of an evaluation that is a CLIP: all but the pictures, the proposals and what is known
 * of the names. */
bool segment_is_clip(const char *input);
