/* SIGKILL at random moments of the smoke chain, again and again, until `kills` have hit; each chain
 * that gets to its end must have the bits of one that nobody disturbed. With several ranks any of
 * them is hit, and all must end. */
#pragma once

#include <signal.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "checkpoints/checkpoint.h"
#include "checkpoints/history.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

static const char *const kills_trained[] = {"clip",     "proposals", "proposals/pretrain",
                                            "finetune", "mpt",       "mpt-only"};
enum { KILLS_TRAINED = sizeof kills_trained / sizeof *kills_trained };

/* The folder of checkpoints of a trained part in DIR/out, NULL when it was not begun; owned. */
static inline char *kills_folder(const char *out, const char *undisturbed, size_t i) {
    char *name = mem_strdup(kills_trained[i]), *part = strchr(name, '/');
    if (part) *part = '\0';
    char *known = run_of(undisturbed, name), *dir = test_path(out);
    char *run = path_join(dir, path_base(known)), *folder = NULL;
    folder = part ? path_join(run, part + 1) : mem_strdup(run);
    if (!dir_exists(folder)) {
        free(folder);
        folder = NULL;
    }
    free(name);
    free(known);
    free(dir);
    free(run);
    return folder;
}

/* After a kill: every checkpoint that has its name is whole, and none is older than before. */
static inline void kills_check(const char *out, const char *undisturbed,
                               int64_t last[KILLS_TRAINED]) {
    for (size_t i = 0; i < KILLS_TRAINED; i++) {
        char *folder = kills_folder(out, undisturbed, i);
        if (!folder) continue;
        int64_t *steps;
        size_t n;
        CHECK_OK(history_list(folder, &steps, &n));
        for (size_t k = 0; k < n; k++) {
            char *path = history_path(folder, steps[k], "");
            CHECK_OK(checkpoint_verify(path));
            free(path);
        }
        CHECK((n ? steps[n - 1] : 0) >= last[i]);
        last[i] = n ? steps[n - 1] : 0;
        free(steps);
        free(folder);
    }
}

static inline void kills_compare(const char *out, const char *undisturbed) {
    for (size_t i = 0; i < KILLS_TRAINED; i++) {
        char *a = kills_folder(undisturbed, undisturbed, i), *b = kills_folder(out, undisturbed, i);
        CHECK(a && b);
        check_same_checkpoint(a, b);
        check_same_metrics(a, b);
        free(a);
        free(b);
    }
    static const char *const files[][2] = {
        {"scenes", "clip.h5"}, {"scenes", "test.h5"}, {"eval", "evaluation.json"}};
    for (size_t i = 0; i < 3; i++) {
        char *path_a = file_of(undisturbed, files[i][0], files[i][1]);
        char *path_b = file_of(out, files[i][0], files[i][1]);
        struct bytes a, b;
        CHECK_OK(file_read(path_a, (size_t)1 << 28, &a));
        CHECK_OK(file_read(path_b, (size_t)1 << 28, &b));
        if (a.n != b.n || memcmp(a.at, b.at, a.n) != 0)
            test_fail(__FILE__, __LINE__, "%s and %s differ", path_a, path_b);
        bytes_free(&a);
        bytes_free(&b);
        free(path_a);
        free(path_b);
    }
}

/* One life of at most `seconds`, and how long it was; true: it was killed, false: it came to its
 * end. */
static inline bool kills_life(int ranks, const char *out, double seconds, int which,
                              double *lived) {
    struct process p;
    pid_t at[8];
    const char *const none[] = {NULL};
    if (ranks > 1)
        train_start_ranks(&p, ranks, out, "smoke/mpt.yaml", none, NULL);
    else
        train_start(&p, out, "smoke/mpt.yaml", none, NULL);
    while (!process_ended(&p) && clock_s() - p.started < seconds)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    at[0] = p.pid;
    bool hit = !process_ended(&p);
    if (hit && ranks > 1) { /* mpirun may be about to start them, or to end */
        size_t n = processes_below(&p, "ovseg-train", at, 8);
        hit = n > 0;
        which = n ? which % (int)n : 0;
    }
    if (hit) kill(at[ranks > 1 ? which : 0], SIGKILL);
    struct ended e = process_wait(&p, seconds + 60);
    hit = e.status != 0; /* it may have ended a moment before the signal */
    check_status(&e, hit ? 128 + SIGKILL : 0);
    /* A damaged checkpoint, or anything else that is not as it was left, is a warning. */
    if (strstr(e.err, " warning ")) test_fail(__FILE__, __LINE__, "a warning:\n%s", e.err);
    *lived = e.seconds;
    ended_free(&e);
    return hit;
}

static inline void kills_run(int ranks, int kills, uint64_t seed) {
    struct rng r = rng_stream(seed, "kills", 0);
    struct ended whole = ranks > 1 ? TRAIN_RANKS(ranks, "whole", "smoke/mpt.yaml", NULL)
                                   : TRAIN("whole", "smoke/mpt.yaml", NULL);
    check_status(&whole, 0);
    double seconds = whole.seconds, lived = 0;
    int hits = 0, chains = 0;
    while (hits < kills) {
        char *out = mem_format("chain-%d", chains++), *dir = test_path(out);
        int64_t last[KILLS_TRAINED] = {0};
        bool fresh = true;
        /* Moments spread evenly over a third of a chain: several lives for each chain. */
        while (kills_life(ranks, out, hits < kills ? rng_uniform(&r) * seconds / 3 : 600,
                          (int)rng_below(&r, ranks), &lived)) {
            fresh = false;
            hits++;
            kills_check(out, "whole", last);
        }
        /* A machine that was busy at the start would let most chains live. */
        if (fresh && lived < seconds) seconds = lived;
        kills_compare(out, "whole");
        CHECK_OK(dir_remove(dir));
        free(out);
        free(dir);
    }
    fprintf(stderr, "full: %d kills in %d chains, ranks %d, seed %llu\n", hits, chains, ranks,
            (unsigned long long)seed);
    ended_free(&whole);
}
