/* Models by the names that people give them on the command line: a run, a config, published
 * weights.
 */
#pragma once

#include "train/run/graph.h"

struct model_options {
    const char *command; /* that was given: what its settings are said to be wrong in */
    const char *name;    /* RUN (its folder, or as run_named() has it), RUN@best, a config whose run
                            is done, or published weights */
    const char *weights; /* a file in the place of what `name`, a config, imports; or NULL */
    const char *proposals; /* as `name`; NULL: those that the model came from, or that what
                              follows its config (`then`) judges it with */
    const struct override *overrides; /* of the settings of an evaluation: eval.*, text.*, crop.* */
    size_t n_overrides;
};

/* The node that `name` (of `o`, or another of the same command) means, in the graph. NULL and
 * ERR_MISSING: there is none, or its run is not finished; ERR_CONFIG: overrides; ERR_DATA: damaged.
 *
 * With `weights` the config is an import, or an evaluation of one, whose other inputs need not be
 * there. */
struct node *model_node(struct graph *g, const char *name, const struct model_options *o,
                        bool *best);

/* Its CLIP: that of a CLIP stage, of weights, or the last one of an evaluation. ERR_MISSING. */
int model_clip(struct node *model, bool best, struct node_input *clip);

/* An evaluation that is not run, in the graph, with room for a CLIP and proposals as inputs. Its
 * settings: the model's when that is an evaluation or an import, those of the evaluation that
 * follows a CLIP in its config (`then`), or the defaults with the temperature that it was trained
 * with; with `weights` those of the config; then the overrides. NULL and ERR_CONFIG. */
struct node *model_evaluation(struct graph *g, const struct node *model,
                              const struct model_options *o);
/* The same with the model's CLIP as its input `clip`, and nothing else. NULL and the error. */
struct node *model_namer(struct graph *g, const struct model_options *o);
void model_input(struct node *evaluation, const char *name, const struct node_input *in);
