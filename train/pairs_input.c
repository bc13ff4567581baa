#include "train/pairs_input.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "data/pairs.h"

static const char *path_of(const struct node *n) {
    const struct node_input *in = node_input(n, "pairs");
    return in ? in->path : NULL;
}

bool pairs_input_is_table(const struct node *n) { return path_of(n) && !dir_exists(path_of(n)); }

char *pairs_input_folder(const struct node *n) {
    return path_of(n) ? mem_strdup(path_of(n)) : node_input_path(n, "pairs", "pairs");
}

/* ---- a table ---- */

static bool skips(const struct pairs_table *t) { return t->config->pairs.damaged == DAMAGED_SKIP; }

/* All missing ones are told at once, the first few by name. */
static int find_missing(struct pairs_table *t, const char *table) {
    enum { NAMED = 5 };
    int64_t lost = 0;
    for (int64_t i = 0; i < t->tsv.n; i++) {
        if (file_exists(t->tsv.file[i])) continue;
        t->lost[i] = 1;
        if (lost++ < NAMED) log_warn("%s: a picture of %s, is missing", t->tsv.file[i], table);
    }
    if (!lost) return 0;
    if (lost == t->tsv.n || !skips(t))
        return error_set(ERR_MISSING,
                         "%s: %lld of %lld pictures are missing, %s among them: relative paths "
                         "start at the folder of the table%s",
                         table, (long long)lost, (long long)t->tsv.n, t->tsv.file[0],
                         skips(t) ? "" : "; pairs.damaged=skip leaves them out");
    log_warn("%s: %lld of %lld pictures are missing and left out", table, (long long)lost,
             (long long)t->tsv.n);
    return 0;
}

int pairs_table_open(struct pairs_table *t, const struct node *n) {
    *t = (struct pairs_table){.config = &n->config};
    int status = pairs_tsv_open(&t->tsv, path_of(n), &n->config.pairs);
    if (status) return status;
    t->lost = mem_alloc((size_t)t->tsv.n, sizeof *t->lost);
    status = find_missing(t, path_of(n));
    if (status) pairs_table_close(t);
    return status;
}

void pairs_table_close(struct pairs_table *t) {
    pairs_tsv_close(&t->tsv);
    free(t->lost);
    *t = (struct pairs_table){0};
}

int pairs_table_crop(const struct pairs_table *t, int64_t i, struct rng *r, int64_t side,
                     uint8_t *pixels, uint8_t *mask, bool *left_out) {
    *left_out = false;
    int status = pairs_tsv_crop(&t->tsv, i, r, &t->config->crop, side, pixels, mask);
    if (!status || !skips(t)) return status;
    if (!atomic_exchange(&t->lost[i], 1)) log_warn("%s; it is left out", error_message());
    error_clear();
    *left_out = true;
    return 0;
}

/* ---- what the run's identity and its checks ask ---- */

int pairs_input_content(const struct node *n, const char *path, struct content *c, uint64_t *out) {
    struct pairs_tsv tsv;
    int status = pairs_tsv_open(&tsv, path, &n->config.pairs);
    if (!status) status = content_of_table(c, path, tsv.file, (size_t)tsv.n, out);
    pairs_tsv_close(&tsv);
    return status;
}

static int other_scenes(const struct node *n, const char *mined, const struct node *scenes) {
    return error_set(ERR_CONFIG,
                     "%s: inputs.pairs is mined from the scenes of %s, but inputs.scenes is %s: "
                     "name the same scenes",
                     n->path, mined, scenes->dir);
}

static int check_folder(const struct node *n, const char *dir, const struct node *scenes) {
    enum { SOURCE_SCENES = 2 }; /* of pairs_source_names */
    struct pairs_source source;
    int status = pairs_peek(dir, &source);
    if (!status && scenes && strcmp(source.at[SOURCE_SCENES], scenes->id) != 0)
        status = other_scenes(n, source.at[SOURCE_SCENES], scenes);
    pairs_source_free(&source);
    return status;
}

int pairs_input_check(const struct node *n) {
    const struct node *pairs = node_from(n, "pairs"), *scenes = node_from(n, "scenes");
    if (pairs_input_is_table(n)) {
        struct pairs_table t;
        int status = pairs_table_open(&t, n);
        if (!status) pairs_table_close(&t);
        return status;
    }
    if (path_of(n)) return check_folder(n, path_of(n), scenes);
    const struct node *mined = pairs ? node_from(pairs, "scenes") : NULL;
    if (!mined || !scenes || strcmp(mined->id, scenes->id) == 0) return 0;
    return other_scenes(n, mined->dir, scenes);
}

void pairs_input_needs(const struct node *n, struct problems *p) {
    bool table = pairs_input_is_table(n), validates = *n->config.train.validate_set;
    if (node_input(n, "scenes") || (table && !validates)) return;
    problems_add(p, "%s: missing inputs.scenes: %s", n->path,
                 table ? "validate.set is one of them (\"\" validates on none)"
                       : "the pictures of inputs.pairs are there");
}
