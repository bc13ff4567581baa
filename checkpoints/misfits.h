/* Why a file does not fit a registry: all of it in one error. */
#pragma once

#include "base/mem.h"
#include "checkpoints/safetensors_header.h"

struct misfit_list {
    struct str text;  /* names, with commas */
    size_t n, hidden; /* all; those that are not in the text */
};

struct misfits {
    struct misfit_list missing, unexpected, form;
};

/* Names beyond 4000 bytes are counted. */
void misfit_add(struct misfit_list *l, const char *text);

/* "NAME is [2, 3], expected [2, 4]", to those of another form. */
void misfit_form(struct misfits *m, const char *name, struct shape is, struct shape wanted);

/* ERR_CONFIG "WHAT: does not fit the model; 2 missing: ..." when anything was added, else the
 * pending status. Frees the lists. */
int misfits_close(struct misfits *m, const char *what);
