/* What a run is: a text of one fact a line, hashed to 12 hex digits. The same facts make the same
 * run wherever and whenever; paths, threads, logging and checkpoint frequency are not among them.
 */
#pragma once

#include "train/run/graph.h"

enum { IDENTITY_VERSION = 1 };

/* Sets identity, id, dir, done and reused of a node whose inputs have theirs. */
int identity_of(struct node *n, struct content *content);

void identity_name(struct node *n); /* id, from identity */

/* Why a node is new: the differences to the nearest older run of its name, one a line. */
void identity_explain(const struct node *n, struct str *out);

/* The lines that differ between two such texts, "was ..." and "now ...", indented; how many. */
size_t identity_diff(const char *was, const char *now, struct str *out);
