/* A site profile: what jobs need on one cluster and no config should know. YAML, at
 * $XDG_CONFIG_HOME/ovseg/site.yaml (docs/cluster.md); a cluster without one is a profile of
 * defaults. */
#pragma once

#include "base/settings.h"

struct site {
    struct strings prologue; /* lines of shell, ahead of the program: module load ... */
    char *launcher;          /* words of shell, ahead of the program; "": srun's, by the tasks */
    char *program;           /* "": this one */
    char *gpu_type;          /* "a100"; "": any */
    struct string_map env;
    struct string_map sbatch; /* further options of sbatch; "": one without a value */
    char *image;              /* Apptainer's; "": no container */
    char *runtime;
    struct strings options; /* of `apptainer exec` */
};

/* Reads `path`; NULL: the file at its usual place, if there is one. ERR_CONFIG with all mistakes,
 * as file:line:column; ERR_MISSING when `path` is not there. Close it in any case. */
int site_read(struct site *s, const char *path);
void site_close(struct site *s);

struct settings_table site_table(void); /* for its documentation */
