/* Where files of this machine are: paths.data, paths.weights, paths.runs, paths.cache, and any
 * other name. What is said later wins:
 *
 *     data: datasets, weights: weights, runs: runs       from where we are
 *     $XDG_CONFIG_DIRS/ovseg/config.yaml                 the site's (/etc/xdg/ovseg/config.yaml)
 *     $XDG_CONFIG_HOME/ovseg/config.yaml                 the user's (~/.config/ovseg/config.yaml)
 *     OVSEG_DATA, OVSEG_WEIGHTS, OVSEG_RUNS, OVSEG_CACHE
 *     a config, the command line
 *
 * None of it is in the identity of a run. */
#pragma once

#include "base/settings.h"

struct node;

/* The first four, as settings "paths.NAME" with their origins. The document is this process's; NULL
 * and ERR_CONFIG with all mistakes in the files. */
const struct settings_doc *places(void);

/* Puts them beneath what the document of a config says. */
int places_beneath(struct settings_doc *doc);

/* What a node's settings make of them: output_dir where nothing names it (paths.runs), `cache`, and
 * the variables in output_dir and mine.cache. Adds mistakes to p. */
void places_of_node(struct node *n, struct problems *p);

/* Where runs are when nothing else is said; of this process. A mistake is a warning, and "runs". */
const char *places_runs(void);
/* The same of what is kept for other runs; "": where the runs are. */
const char *places_cache(void);

/* The folder of a node's cache of that kind: ".text", ".mined", ".hashes"; owned. */
char *places_cache_of(const struct node *n, const char *kind);
