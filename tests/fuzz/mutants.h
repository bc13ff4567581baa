/* Mutants of files of weights: good files, damaged with knowledge of their structure.
 *
 * Every one of them is refused with a message that names it, or loads; and loads to the same bits
 * where checksums guard the contents. Mutant i of a kind and a seed is always the same. The unit
 * test runs some hundreds of each kind, mutants_main.c thousands under ASan and UBSan.
 */
#pragma once

#include "tests/fuzz/fuzz.h"

struct mutant {
    struct str bytes;
    const char *how; /* "duplicated" */
    bool exact;      /* if it loads at all, then to what the good file holds */
};

struct mutant_kind {
    const char *name, *file; /* a file of this name in the folder holds the mutant */
    /* Good files, and what lies beside them in the folder of this name, made or found. */
    void (*seeds)(struct corpus *c, const char *dir);
    void (*mutate)(struct rng *r, const struct corpus *c, size_t seed, struct mutant *m);
    bool folder; /* the folder is opened and not the file */
};
extern const struct mutant_kind mutant_kinds[];
extern const size_t n_mutant_kinds;

struct mutants_run {
    const struct mutant_kind *kind;
    uint64_t seed, n;
    const char *dir;   /* where the mutants are written; exists */
    double cpu_max;    /* seconds one may take */
    size_t memory_max; /* bytes one may have at once */
    /* Called before each load; and the most bytes that it had at once. Both NULL: the growth of the
     * whole process is taken. */
    void (*start)(void);
    uint64_t (*peak)(void);
    /* What is under way, and what came of it. */
    uint64_t at;
    char *path; /* of the mutant; owned by mutants() */
    uint64_t refused, equal, other;
    double slowest;
    uint64_t most;
};

/* Runs mutants 0 .. n-1 inside an open scope. False: one is not as it must be, which was printed
 * with its place. */
bool mutants(struct mutants_run *run);

/* Bits, bytes, numbers and pieces of the part [from, to), without knowing what it is. */
void mutate_raw(struct rng *r, struct str *b, size_t from, size_t to);
/* Opcodes and arguments of the pickle that starts at `from` and ends before `to`; its new end. */
size_t mutate_pickle(struct rng *r, struct str *b, size_t from, size_t to);
/* The byte behind the pickle; 0 when it has no end before `to`. */
size_t mutate_pickle_end(const struct str *b, size_t from, size_t to);

void mutate_archive(struct rng *r, const struct corpus *c, size_t seed, struct mutant *m);
void mutate_stream(struct rng *r, const struct corpus *c, size_t seed, struct mutant *m);
void mutate_pickled(struct rng *r, const struct corpus *c, size_t seed, struct mutant *m);
void mutate_safetensors(struct rng *r, const struct corpus *c, size_t seed, struct mutant *m);
void mutate_json(struct rng *r, const struct corpus *c, size_t seed, struct mutant *m);

/* Makes the CRC32s of an archive those of its contents, where its structure is whole. */
void archive_seal(uint8_t *data, size_t n);

/* A number no reader expects. */
uint64_t odd_number(struct rng *r);
void set_number(struct str *b, size_t at, size_t width, uint64_t x); /* little endian; what fits */
