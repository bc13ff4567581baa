#include "train/mine/pairs_input.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "data/pairs.h"

bool pairs_input_is_table(const struct node *n) {
    return node_path(n, "pairs") && !dir_exists(node_path(n, "pairs"));
}

char *pairs_input_folder(const struct node *n, const char *input) {
    const struct node_input *in = node_input(n, input);
    return in && in->path ? mem_strdup(in->path) : node_input_path(n, input, "pairs");
}

/* ---- a table ---- */

/* All missing ones are told at once, the first few by name. */
static int find_missing(const struct pairs_tsv *t, const char *table, bool skip) {
    enum { NAMED = 5 };
    int64_t lost = 0;
    const char *first = NULL;
    for (int64_t i = 0; i < t->n; i++) {
        if (file_exists(t->file[i])) continue;
        if (!first) first = t->file[i];
        if (lost++ < NAMED) log_warn("%s: a picture of %s, is missing", t->file[i], table);
    }
    if (!lost) return 0;
    if (lost == t->n || !skip)
        return error_set(ERR_MISSING,
                         "%s: %lld of %lld pictures are missing, %s among them: relative paths "
                         "start at the folder of the table%s",
                         table, (long long)lost, (long long)t->n, first,
                         skip ? "" : "; data.damaged=skip does without them");
    log_warn("%s: %lld of %lld pictures are missing", table, (long long)lost, (long long)t->n);
    return 0;
}

int pairs_input_table(struct pairs_tsv *t, const struct node *n) {
    int status = pairs_tsv_open(t, node_path(n, "pairs"), &n->config.pairs);
    if (status) return status;
    status = find_missing(t, node_path(n, "pairs"), n->config.train.damaged == DAMAGED_SKIP);
    if (status) pairs_tsv_close(t);
    return status;
}

/* ---- what the run's identity and its checks ask ---- */

int pairs_input_content(const struct node *n, const char *path, struct content *c, uint64_t *out) {
    struct pairs_tsv tsv;
    int status = pairs_tsv_open(&tsv, path, &n->config.pairs);
    if (!status) status = content_of_table(c, path, tsv.file, (size_t)tsv.n, out);
    pairs_tsv_close(&tsv);
    return status;
}

static int other_scenes(const struct node *n, const char *input, const char *mined,
                        const struct node *scenes) {
    return error_set(ERR_CONFIG,
                     "%s: inputs.%s is mined from the scenes of %s, but inputs.scenes is %s: "
                     "name the same scenes",
                     n->path, input, mined, scenes->dir);
}

static int check_folder(const struct node *n, const char *input, const char *dir,
                        const struct node *scenes) {
    enum { SOURCE_SCENES = 2 }; /* of pairs_source_names */
    struct pairs_source source;
    int status = pairs_peek(dir, &source);
    if (!status && scenes && strcmp(source.at[SOURCE_SCENES], scenes->id) != 0)
        status = other_scenes(n, input, source.at[SOURCE_SCENES], scenes);
    pairs_source_free(&source);
    return status;
}

static int check_one(const struct node *n, const char *input) {
    const struct node_input *in = node_input(n, input);
    const struct node *scenes = node_from(n, "scenes");
    if (!in) return 0;
    if (in->path) return check_folder(n, input, in->path, scenes);
    const struct node *mined = in->node ? node_from(in->node, "scenes") : NULL;
    if (!mined || !scenes || strcmp(mined->id, scenes->id) == 0) return 0;
    return other_scenes(n, input, mined->dir, scenes);
}

int pairs_input_check(const struct node *n) {
    if (pairs_input_is_table(n)) {
        struct pairs_tsv t;
        int status = pairs_input_table(&t, n);
        if (!status) pairs_tsv_close(&t);
        return status;
    }
    int status = check_one(n, "pairs");
    return status ? status : check_one(n, "more_pairs");
}

void pairs_input_needs(const struct node *n, struct problems *p) {
    bool table = pairs_input_is_table(n), validates = *n->config.train.validate_set;
    const struct node_input *more = node_input(n, "more_pairs");
    if (more && (table || (more->path && !dir_exists(more->path))))
        problems_add(p,
                     "%s: inputs.more_pairs: pairs are mixed of two folders or runs; a table "
                     "goes alone",
                     n->path);
    if (!more && n->config.pairs.mix >= 0)
        settings_problem(&n->doc, p, "pairs.mix", "needs inputs.more_pairs");
    if (node_input(n, "scenes") || (table && !validates)) return;
    problems_add(p, "%s: missing inputs.scenes: %s", n->path,
                 table ? "validate.set is one of them (\"\" validates on none)"
                       : "the pictures of inputs.pairs are there");
}
