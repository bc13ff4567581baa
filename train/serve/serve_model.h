/* The model behind the page, and what it makes of one picture after the other. All of it on one
 * thread, but that `about` may be read by others. */
#pragma once

#include "train/pictures/picture_record.h"
#include "train/serve/serve_queue.h"

enum { SERVE_LISTS = 8 }; /* lists of names whose texts are kept */

/* A list of names with what the model's text towers made of it: by lists and not by names, since a
 * text has the same bits only in the same company. */
struct serve_list {
    char *key; /* the names, as text; NULL: no list */
    struct vocabulary names;
    struct segmenter_texts texts; /* of all lists but the one in use, whose texts the model has */
    uint64_t used;
};

struct serve_model {
    struct segmenter segmenter;
    struct vocabulary start; /* names that it was opened with */
    bool named;              /* those are to be used where none are typed */
    struct serve_list list[SERVE_LISTS];
    struct serve_list *in_use; /* NULL: none */
    uint64_t uses;
    char model[17]; /* hash of the weights */
    struct picture_outputs outputs;
    struct str about; /* GET /model */
};

/* Opens the model; its own names are those of the file or list `classes`, or, where that is NULL,
 * those of the package. Errors as segmenter_open()'s and vocabulary_open()'s. Close it in any case.
 */
int serve_model_open(struct serve_model *m, const struct model_options *o, const char *classes,
                     const struct serve_limits *limits);
void serve_model_close(struct serve_model *m);

/* Segments the picture of a job; its answer is a result, or what is wrong. */
void serve_model_answer(struct serve_model *m, struct job *j);
