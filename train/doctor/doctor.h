/* What `ovseg doctor` finds out. Each part adds findings; none fails, none may hang: whatever asks
 * another program, a name server or a network file system does it in a process of its own with a
 * limit of time. */
#pragma once

#include "base/mem.h"

enum finding_level {
    FINDING_OK,
    FINDING_NONE, /* not there; only some commands want it */
    FINDING_WARN, /* works, but worse than it could */
    FINDING_BAD,  /* does not work */
};
extern const char *const finding_level_names[]; /* "ok", "none", "warning", "bad" */

struct finding {
    const char *topic; /* a literal: "libraries" */
    enum finding_level level;
    char *name, *text;
    char *remedy; /* what to do; NULL: nothing */
};
struct findings {
    struct finding *at;
    size_t n, cap;
};

/* `text` is a format; remedy NULL: none. */
void finding_add(struct findings *f, const char *topic, enum finding_level level, const char *name,
                 const char *remedy, const char *text, ...) __attribute__((format(printf, 6, 7)));
void findings_free(struct findings *f);

void doctor_libraries(struct findings *f);                   /* and OpenMP runtimes */
void doctor_machine(struct findings *f);                     /* CPU, threads, memory */
void doctor_devices(struct findings *f);                     /* CUDA, NCCL */
void doctor_cluster(struct findings *f);                     /* host name, MPI, Slurm */
void doctor_disks(struct findings *f, const char *runs_dir); /* where runs and caches go */
void doctor_selftest(struct findings *f);                    /* a second of work */

/* `ovseg doctor --distributed`, a command of its own: of all ranks, one of which this process is.
 * Its exit status; rank 0 prints. */
int doctor_distributed(const char *runs_dir, bool json);

/* The libraries that are mapped into this process, the paths of their files, each once. `maps`: of
 * /proc/self/maps. */
void doctor_mapped(const char *maps, struct strings *out);
