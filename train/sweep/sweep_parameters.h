/* The parts of a sweep file that name settings of other tables: `parameters` and `list`. */
#pragma once

#include "train/sweep/sweep_file.h"

/* Entries of the document, of `parameters` and of `list` alone. Mistakes are added to p. */
void sweep_read_parameters(struct sweep_file *f, const struct setting_entry *at, size_t n,
                           struct problems *p);
void sweep_read_list(struct sweep_file *f, const struct setting_entry *at, size_t n,
                     struct problems *p);
