/* Damaged inputs for every format we read. A target is one line, nothing else registers it:
 *
 *     FUZZ(rle, .seeds = rle_seeds, .run = run_rle, .codes = {ERR_DATA});
 *
 * Whatever the bytes: no crash, no hang, no leak, and either success or one of the codes, with a
 * message. main.c damages the seeds by a counter, so that every input can be made again;
 * libfuzzer.c lets coverage guide the damage. Both with all of the parsers under ASan and UBSan.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/rng.h"
#include "data/dataset.h"

struct corpus {
    struct bytes *at;
    size_t n, cap;
};
void corpus_add(struct corpus *c, const void *data, size_t n);
void corpus_add_text(struct corpus *c, const char *text);
void corpus_add_file(struct corpus *c, const char *path); /* of the repository */
void corpus_free(struct corpus *c);

struct fuzz_target {
    const char *name;
    void (*seeds)(struct corpus *c); /* good inputs, all of which are accepted */
    /* 0 and nothing pending, or one of the codes and its message pending. What is accepted is to be
     * sound: REQUIRE it. */
    int (*run)(const uint8_t *data, size_t n);
    /* Makes checksums true again, so that damage gets past them; NULL: there are none. */
    void (*seal)(uint8_t *data, size_t n);
    int codes[4]; /* the first 0 ends them */
};

#define FUZZ(target, ...)                                                                          \
    __attribute__((constructor)) static void register_##target(void) {                             \
        static const struct fuzz_target t = {.name = #target, __VA_ARGS__};                        \
        fuzz_register(&t);                                                                         \
    }                                                                                              \
    _Static_assert(1, "so that a semicolon follows")

void fuzz_register(const struct fuzz_target *t);
const struct fuzz_target *fuzz_find(const char *name); /* NULL: prints which there are */

/* Runs one input and REQUIREs what is said above; its status. */
int fuzz_one(const struct fuzz_target *t, const uint8_t *data, size_t n);

/* For targets. */
char *fuzz_text(const uint8_t *data, size_t n); /* owned, with a NUL behind it */
const char *fuzz_dir(void);                     /* of this process, in memory if there is such */
char *fuzz_path(const char *name);              /* in that folder; owned */
void fuzz_dir_remove(void);
void fuzz_dataset(const struct dataset *d); /* reads all of it and REQUIREs that it is sound */

enum { FUZZ_MAX = 1 << 16 }; /* bytes of an input */

/* Another part in the place of b's [at, at + old); not where that became longer than FUZZ_MAX. */
void fuzz_replace(struct str *b, size_t at, size_t old, const void *with, size_t n);
/* A few changes of `b`: bits, bytes, numbers, parts cut, doubled, or taken from other seeds. */
void mutate(struct rng *r, const struct corpus *c, struct str *b);
