/* The settings of what an evaluation counts beside the table (docs/evaluation.md). Inference is
 * settled in eval/options.h; nothing here changes a label. */
#pragma once

#include "eval/options.h"

/* Of names: none, WordNet's, of text features, of a table. */
enum similarity_source { SIMILARITY_NONE, SIMILARITY_WORDNET, SIMILARITY_TEXT, SIMILARITY_FILE };
enum similarity_senses { SENSES_FIRST, SENSES_MAX };

struct measure_options {
    bool oracles;
    struct reals lambdas, thresholds; /* the grid; empty: the value of eval.* alone */
    int similarity;                   /* enum similarity_source */
    int senses;                       /* enum similarity_senses */
    char *wordnet;
    struct string_map subsets;
    int min_score; /* enum measure_min_score */
    bool predictions;
    bool analysis, csv;
    int64_t pairs;
    int table;     /* enum measure_table */
    int64_t lines; /* best and worst classes of the full table */
};
/* Whether the lowest score worth a name is found, and on which pixels (eval/score_counts.h). */
enum measure_min_score { MIN_SCORE_NONE, MIN_SCORE_LABELLED, MIN_SCORE_ALL };
enum measure_table { TABLE_SHORT, TABLE_FULL };

extern const struct setting measure_rows[14];

/* Whether several values of lambda or of the threshold are tried. */
bool measure_searches(const struct measure_options *o);

/* Settings that contradict each other; `path` names the config. */
void measure_check(const struct measure_options *o, const struct eval_options *eval,
                   const char *path, struct problems *p);
