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

/* The finished run of this name that differs least, its folder, owned; NULL: there is none. In
 * which settings and inputs it differs is appended to `keys`: "inputs.images, optim.steps". */
char *identity_nearest(const struct node *n, struct str *keys);

/* What a message that a run is not there ends with: the run that may be meant, "" or "; RUN is
 * done, and differs in KEYS: name it where it is meant". Settings on the command line of
 * ovseg-train make such runs. Owned. */
char *identity_other(const struct node *n);

/* The lines that differ between two such texts, "was ..." and "now ...", indented; how many. */
size_t identity_diff(const char *was, const char *now, struct str *out);
