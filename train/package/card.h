/* The card of a model package: what the model was made from, as JSON and as a page to read. What is
 * not known is "unknown": nothing is assumed.
 *
 *   model     names of the parts, numbers of their parameters, prompts
 *   inference lambda, threshold, templates, sides of pictures
 *   lineage   the runs it came from, inputs before those that needed them: stage, identity and the
 *             facts that this is a hash of, steps and samples of training
 *   packages  the cards of packages that it came from
 *   sources   what came from outside: weights, files, pictures; each with its licence
 *   data      sets: pictures, captions, classes; pairs: how many, of how many nouns
 *   protocol, results   of the evaluation, where the run has one
 */
#pragma once

#include <cjson/cJSON.h>

#include "train/segmenter.h"

struct card {
    cJSON *json;
    struct strings warnings; /* one line each */
};

/* Of an open model. `licences`: what the user says of sources by their names, or, where nothing is
 * known of them, by patterns; ERR_USAGE for one that none has, with the names there are. What
 * cannot be read is unknown. */
int card_gather(struct card *c, const struct segmenter *s, const struct string_map *licences);
void card_free(struct card *c);

/* `name` of the package; both texts are equal for equal cards. */
void card_format(struct card *c, const char *name, struct str *json, struct str *markdown);

/* The names that the model was measured with, or its network trained with, where their set or file
 * is there: what they are of, owned. NULL: not known, and v is empty. */
char *card_names(const struct segmenter *s, struct vocabulary *v);

/* Inside card*.c. */
#define CARD_UNKNOWN "unknown"

void card_sources(struct card *c, const struct node *n); /* of one node, into json.sources */
int card_licences(struct card *c, const struct string_map *said);
