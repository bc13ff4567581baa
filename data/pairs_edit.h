/* Mined pairs filtered and corrected, as a new folder: nothing is mined again.
 *
 * The order of what is done, whatever the order on a command line:
 *   1. ids      those listed are dropped, or all others
 *   2. scores   what lies outside [score_lo, score_hi] is dropped
 *   3. rename   each noun once: of a -> b and b -> c, an a becomes b. What then is the same noun of
 *               the same caption on the same proposal becomes one pair, the better-scored one
 *   4. nouns    those listed, by their new names, are dropped, or all others
 *   5. min_count     nouns with fewer pairs left are dropped
 *   6. max_per_noun  of nouns with more, so many are chosen: at random by the seed and the noun, so
 *                    that a choice does not depend on other nouns; or the best-scored
 *
 * The paper's released variants (reference-spec 7.1): min_count 41; max_per_noun 1000 or 100.
 */
#pragma once

#include "base/settings.h"
#include "data/pairs.h"

struct pair_ids {
    int64_t *at; /* [n], sorted by pair_ids_sort, each once */
    size_t n, cap;
};
void pair_ids_add(struct pair_ids *ids, int64_t id);
void pair_ids_sort(struct pair_ids *ids);
void pair_ids_free(struct pair_ids *ids);

struct pairs_edit {
    struct pair_ids drop_id, keep_id;
    bool keep_ids, keep_nouns; /* only those listed stay */
    double score_lo, score_hi; /* ends included */
    struct string_map rename;  /* old name -> new one; no name twice */
    struct strings drop_noun, keep_noun;
    int64_t min_count, max_per_noun; /* 0: no limit */
    bool best;                       /* of max_per_noun: the best-scored */
    int64_t seed;
    int (*stop)(void); /* an error when the work should end now; NULL: never */
};
void pairs_edit_init(struct pairs_edit *e); /* which changes nothing */
void pairs_edit_free(struct pairs_edit *e);

/* What each step did, in pairs. */
struct pairs_edited {
    int64_t by_id, by_score, renamed, made_one, by_noun, by_min_count, by_max, left;
    int64_t unknown_ids, unknown_nouns; /* listed, but in no pair (a noun at its step) */
};

/* Writes `dir`, which must not exist: whole or not at all, and to the same bytes for the same pairs
 * and edit. The manifest keeps what the pairs were mined from, and lists the edit behind those
 * before it, with the hash of `p`. ERR_DATA when no pair would be left; ERR_IO. */
int pairs_edit_write(const struct pairs *p, struct pairs_edit *e, const char *dir,
                     struct pairs_edited *done);

/* A text that names old and new nouns: YAML, a map (old: new); or, when `name` does not end in
 * .yaml or .yml, a line each, old, tab, new; empty lines and lines that begin with # do not count.
 * ERR_DATA names the line. */
int pairs_rename_parse(struct string_map *m, const char *name, const char *text, size_t n);
