/* What `ovseg submit` and `ovseg sweep --on slurm` are told of their jobs, and how they print or
 * send them: options of both, as a child of their parsers. */
#pragma once

#include <argp.h>

#include "train/cluster/slurm_script.h"

/* What flags say of resources, apart from what configs say. */
struct resource_flags {
    struct settings_doc said;
    struct resources_options options;
};
struct settings_table resource_table(void); /* of one struct resources_options */
/* Whether a flag says `key`, "resources.gpus". */
bool resource_said(const struct resource_flags *f, const char *key);

struct submit_flags {
    struct resource_flags resources;
    const char *account, *site, *out; /* NULL: none */
    int64_t margin, requeue, tries;   /* as struct submission has them */
    bool go;
    const char *first; /* of them that was given, "gpus"; NULL: none was */
};
extern const struct argp submit_flags_argp; /* its input is a struct submit_flags, {0} before */
void submit_flags_free(struct submit_flags *f);

/* An empty submission of these flags, and of the site profile; `file` is kept. ERR_USAGE,
 * ERR_CONFIG, ERR_MISSING with what is wrong with them. Free it in any case. */
int submit_open(struct submission *s, struct submit_flags *f, const char *verb, const char *file);

/* Prints the script of the jobs, or writes it to `out`, and asks Slurm whether it would take them;
 * or sends them (train/cluster/slurm_send.h). */
int submit_deliver(const struct submission *s, const struct submit_flags *f);
