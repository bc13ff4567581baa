/* Why a file does not fit a registry: all of it in one error. Of each kind the first names are in
 * it, the others are counted, and told with the messages for debugging: weights of another model
 * have hundreds. */
#pragma once

#include "base/mem.h"
#include "checkpoints/safetensors_header.h"

enum { MISFITS_SHOWN = 20 }; /* of each kind */

struct misfit_list {
    struct str text, rest; /* names: with commas, and one a line */
    size_t n, hidden;      /* all; those of `rest` */
};

struct misfits {
    struct misfit_list missing, unexpected, form;
};

void misfit_add(struct misfit_list *l, const char *text);

/* "NAME is [2, 3], expected [2, 4]", to those of another form. */
void misfit_form(struct misfits *m, const char *name, struct shape is, struct shape wanted);

/* Appends "23 WORD: a, b, ... and 3 more (how to see them)", and tells these three for debugging,
 * each behind `what`: a path. Frees the list. */
void misfit_list_close(struct misfit_list *l, const char *what, const char *word, struct str *to);

/* ERR_CONFIG "WHAT: does not fit the model; 2 missing: ..." when anything was added, else the
 * pending status. Frees the lists. */
int misfits_close(struct misfits *m, const char *what);
