/* From the names in the files to items. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "checkpoints/import_parts.h"
#include "checkpoints/misfits.h"

enum { MISSING_MAX = 1000 }; /* names that are counted */

struct claim {
    const char *name; /* without "module." */
    struct import_source source;
    const struct import_group *group;
    const struct import_rule *rule;
    struct rule_found found;
    char *to; /* the new name, owned */
    size_t place;
};

struct build {
    struct import *im;
    const struct import_layout *layout;
    struct claim *at; /* in the order of the files */
    size_t n;
    const char **name; /* of all, sorted */
    struct claim **by_to;
    struct strings missing, missing_as;
};

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool exists(const struct build *b, const char *name) {
    return bsearch(&name, b->name, b->n, sizeof *b->name, compare_names) != NULL;
}

static bool any(const struct build *b, const char *pattern) {
    struct rule_found found;
    for (size_t i = 0; i < b->n; i++)
        if (rule_match(pattern, b->at[i].name, &found)) return true;
    return false;
}

/* All tensors of all files; a "module." that all names start with is taken off. */
static int collect(struct build *b) {
    bool module = true;
    for (size_t f = 0; f < b->im->files; f++) {
        const struct st_table *t = b->im->file[f].table;
        b->n += t->n;
        for (size_t i = 0; i < t->n; i++)
            module = module && strncmp(t->at[i].name, "module.", 7) == 0 && t->at[i].name[7];
    }
    b->at = mem_alloc(b->n + 1, sizeof *b->at);
    b->name = mem_alloc(b->n + 1, sizeof *b->name);
    size_t n = 0;
    for (size_t f = 0; f < b->im->files; f++) {
        const struct st_table *t = b->im->file[f].table;
        for (size_t i = 0; i < t->n; i++, n++) {
            const char *name = t->at[i].name + (module ? 7 : 0);
            b->at[n] =
                (struct claim){.name = name, .source = {.file = f, .x = &t->at[i]}, .place = n};
            b->name[n] = name;
        }
    }
    if (!b->n) return error_set(ERR_DATA, "%s: holds no tensors", b->im->path);
    qsort(b->name, b->n, sizeof *b->name, compare_names);
    for (size_t i = 1; i < b->n; i++)
        if (strcmp(b->name[i - 1], b->name[i]) == 0)
            return error_set(ERR_DATA, "%s: two tensors are named %s", b->im->path, b->name[i]);
    return 0;
}

static int tell_family(struct build *b) {
    for (size_t i = 0; i < n_import_foreigns; i++)
        if (any(b, import_foreigns[i].sign))
            return error_set(ERR_DATA, "%s: holds %s, which is not read", b->im->path,
                             import_foreigns[i].name);
    for (size_t f = 0; f < IMPORT_FAMILIES; f++)
        for (int i = 0; i < 4 && import_layouts[f].signs[i]; i++) {
            if (!any(b, import_layouts[f].signs[i])) continue;
            const struct tensor_file *file = b->im->file;
            bool script = f == IMPORT_OPEN_CLIP && file->torch && file->pth.form == PTH_SCRIPT;
            b->im->family = script ? IMPORT_OPENAI : (enum import_family)f;
            b->layout = &import_layouts[b->im->family];
            return 0;
        }
    b->im->family = IMPORT_PLAIN;
    return 0;
}

static bool applies(const struct build *b, const struct import_group *g) {
    if (!g->when) return true;
    char *sign = mem_format("%s%s", g->from, g->when);
    bool yes = exists(b, sign);
    free(sign);
    return yes;
}

static void claim_with(struct build *b, const struct import_group *g) {
    size_t skip = strlen(g->from);
    for (size_t i = 0; i < b->n; i++) {
        struct claim *c = &b->at[i];
        if (c->rule || strncmp(c->name, g->from, skip) != 0) continue;
        for (const struct import_rule *r = g->rules; r->from; r++) {
            if (!rule_match(r->from, c->name + skip, &c->found)) continue;
            c->group = g;
            c->rule = r;
            char *end = r->how == RULE_DROP ? NULL : rule_name(rule_target(r), &c->found);
            if (end) c->to = mem_format("%s%s", g->to, end);
            free(end);
            break;
        }
    }
}

static int claim_all(struct build *b) {
    for (const struct import_group *g = b->layout->group; g->rules; g++)
        if (applies(b, g)) claim_with(b, g);
    struct misfit_list unknown = {0};
    for (size_t i = 0; i < b->n; i++)
        if (!b->at[i].rule) misfit_add(&unknown, b->at[i].name);
    if (!unknown.n) return error_status();
    struct str text = {0};
    misfit_list_close(&unknown, b->im->path, "of its tensors", &text);
    error_set(ERR_DATA, "%s: read as %s, but no rule knows %s", b->im->path, b->layout->name,
              text.at);
    str_free(&text);
    return error_status();
}

/* By new name, dropped ones last, parts of one matrix in their order. */
static int compare_claims(const void *a, const void *b) {
    const struct claim *x = *(struct claim *const *)a, *y = *(struct claim *const *)b;
    if (!x->to || !y->to) return !x->to - !y->to;
    int order = strcmp(x->to, y->to);
    return order ? order : (int)x->rule->how - (int)y->rule->how;
}

static int compare_name_claim(const void *name, const void *claim) {
    const struct claim *c = *(struct claim *const *)claim;
    return c->to ? strcmp(name, c->to) : -1;
}

static bool made(const struct build *b, const char *name) {
    return bsearch(name, b->by_to, b->n, sizeof(struct claim *), compare_name_claim) != NULL;
}

/* Whole? */

/* Under the name that it gets here and, where that is another, the one that the file would have for
 * it. Several rules may miss one tensor. */
static void add_missing(struct build *b, const char *name, const char *in_file) {
    for (size_t i = 0; i < b->missing.n; i++)
        if (strcmp(b->missing.at[i], name) == 0) return;
    strings_add(&b->missing, name);
    strings_add(&b->missing_as, in_file && strcmp(in_file, name) != 0 ? in_file : "");
}

static void need_name(struct build *b, const struct import_group *g, const struct import_rule *r,
                      const struct rule_found *found) {
    char *end = rule_name(rule_target(r), found), *name = mem_format("%s%s", g->to, end);
    char *tail = rule_name(r->from, found), *in_file = mem_format("%s%s", g->from, tail);
    if (b->missing.n < MISSING_MAX && !made(b, name)) add_missing(b, name, in_file);
    free(name);
    free(in_file);
    free(tail);
    free(end);
}

/* All that a rule stands for, given the first `given` of what its wildcards found. */
static void need_words(struct build *b, const struct import_group *g, const struct import_rule *r,
                       struct rule_found found, int given) {
    int k = 0;
    for (const char *p = rule_target(r); *p; p++) {
        if (*p != '#' && *p != '+' && !rule_words(*p)) continue;
        if (k++ < given) continue;
        for (unsigned i = 0; i < rule_words(*p); i++) {
            found.number[k - 1] = i;
            found.n = k;
            need_words(b, g, r, found, k);
        }
        if (rule_words(*p)) return;
    }
    need_name(b, g, r, &found);
}

static bool same_part(const struct import_rule *a, const struct import_rule *b, int *wildcards) {
    int other;
    size_t n = rule_part(rule_target(a), wildcards), m = rule_part(rule_target(b), &other);
    return n == m && memcmp(rule_target(a), rule_target(b), n) == 0;
}

/* Blocks are numbered from 0: below each stands the one before it. */
static void need_before(struct build *b, const struct claim *c) {
    const char *pattern = rule_target(c->rule);
    int k = 0;
    if (strchr(pattern, '|')) return;
    for (const char *p = pattern; *p; p++) {
        if (*p != '#' && *p != '+' && !rule_words(*p)) continue;
        struct rule_found found = c->found;
        if (*p == '#' && p > pattern && p[-1] == '.' && found.number[k]) {
            found.number[k]--;
            for (int i = k + 1; i < found.n; i++) found.number[i] = 0;
            need_name(b, c->group, c->rule, &found);
        }
        k++;
    }
}

static void check_rule(struct build *b, const struct import_group *g, const struct import_rule *r) {
    const struct claim *last = NULL;
    bool used = r->need != RULE_ALIKE;
    for (size_t i = 0; !used && i < b->n; i++) used = b->at[i].rule == r && b->at[i].group == g;
    if (!used || r->how == RULE_DROP || r->need == RULE_FREELY) return;
    for (size_t i = 0; i < b->n && b->missing.n < MISSING_MAX; i++) {
        const struct claim *c = &b->at[i];
        int wildcards;
        if (c->group != g || !c->to || !same_part(r, c->rule, &wildcards)) continue;
        size_t known = (size_t)wildcards * sizeof c->found.number[0];
        if (!last || memcmp(last->found.number, c->found.number, known) != 0)
            need_words(b, g, r, c->found, wildcards);
        last = c;
        if (c->rule == r) need_before(b, c);
    }
    if (!last && r->need == RULE_ALWAYS)
        need_words(b, g, r, (struct rule_found){0}, RULE_FOUND_MAX);
}

static int check_whole(struct build *b) {
    for (const struct import_group *g = b->layout->group; g->rules; g++) {
        bool there = false;
        for (size_t i = 0; !there && i < b->n; i++) there = b->at[i].group == g && b->at[i].to;
        for (const struct import_rule *r = g->rules; there && r->from; r++) check_rule(b, g, r);
    }
    for (int i = 0; i < 4 && b->layout->needs[i]; i++) {
        struct rule_found found;
        bool there = false;
        for (size_t k = 0; !there && k < b->n && b->by_to[k]->to; k++)
            there = rule_match(b->layout->needs[i], b->by_to[k]->to, &found);
        if (!there) add_missing(b, b->layout->needs[i], NULL);
    }
    if (!b->missing.n) return 0;
    struct misfit_list missing = {0};
    struct str text = {0};
    for (size_t i = 0; i < b->missing.n; i++) {
        const char *in_file = b->missing_as.at[i];
        char *name = mem_format("%s%s%s%s", b->missing.at[i], *in_file ? " (in the file " : "",
                                in_file, *in_file ? ")" : "");
        misfit_add(&missing, name);
        free(name);
    }
    misfit_list_close(&missing, b->im->path, "missing", &text);
    error_set(ERR_DATA, "%s: read as %s, but not whole: %s", b->im->path, b->layout->name, text.at);
    str_free(&text);
    return error_status();
}

/* Items. */

static int bad(const struct build *b, const struct claim *c, const char *what) {
    char shape[192];
    st_shape_text(c->source.x->shape, shape, sizeof shape);
    return error_set(ERR_DATA, "%s: %s %s %s: %s", b->im->path, c->source.x->name,
                     st_dtype_name(c->source.x->dtype), shape, what);
}

/* The file has one tensor under two names: its own, and those of another layout. */
static int two_names(const struct build *b, const struct claim *x, const struct claim *y) {
    return error_set(ERR_DATA,
                     "%s: %s and %s are two names of one tensor, %s: take one of them out",
                     b->im->path, x->source.x->name, y->source.x->name, x->to);
}

/* The item of claims that become one tensor: by_to[from, to). */
static int add_made(struct build *b, size_t from, size_t to, struct import_item *item) {
    const struct claim *first = b->by_to[from];
    enum rule_how how = first->rule->how;
    bool joined = how == RULE_QUERY;
    *item = (struct import_item){.shape = first->source.x->shape};
    if (how == RULE_KEY || how == RULE_VALUE || (joined && to - from != 3))
        return bad(b, first, "query, key and value are not all there");
    if (!joined && to - from != 1) return two_names(b, first, b->by_to[from + 1]);
    for (size_t i = from; i < to; i++) {
        const struct claim *c = b->by_to[i];
        item->source[item->sources++] = c->source;
        if (!st_dtype_floats(c->source.x->dtype))
            return bad(b, c, "weights are floating-point numbers");
        if (joined && c->rule->how != RULE_QUERY + (enum rule_how)(i - from))
            return bad(b, c, "query, key and value are not all there");
        if (!st_shape_same(c->source.x->shape, item->shape) ||
            c->source.x->dtype != first->source.x->dtype)
            return bad(b, c, "query, key and value differ");
    }
    if (first->source.x->dtype != T_F32) item->verdict |= IMPORT_CAST;
    if (strcmp(first->to, first->source.x->name) != 0) item->verdict |= IMPORT_RENAMED;
    if (joined) {
        item->verdict |= IMPORT_JOINED;
        if (item->shape.n < 1) return bad(b, first, "a matrix has rows");
        if (item->shape.d[0] > INT64_MAX / 3) return bad(b, first, "its size overflows");
        item->shape.d[0] *= 3;
    }
    if (how == RULE_TRANSPOSE) {
        if (item->shape.n != 2) return bad(b, first, "a matrix has two sides");
        item->verdict |= IMPORT_TRANSPOSED;
        item->shape.d[0] = first->source.x->shape.d[1];
        item->shape.d[1] = first->source.x->shape.d[0];
    }
    item->name = mem_strdup(first->to);
    return 0;
}

static struct import_item *next_item(struct import *im) {
    im->at = mem_grow(im->at, &im->cap, im->n + 1, sizeof *im->at);
    return &im->at[im->n++];
}

struct placed {
    size_t place;
    struct import_item item;
};

static int compare_placed(const void *a, const void *b) {
    const struct placed *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

/* In the order of the files: a joined one where its first part lies. */
static int add_items(struct build *b) {
    struct placed *all = mem_alloc(b->n, sizeof *all);
    size_t n = 0;
    int status = 0;
    for (size_t from = 0, to; !status && from < b->n; from = to) {
        struct claim *c = b->by_to[from];
        all[n].place = c->place;
        for (to = from + 1; c->to && to < b->n && b->by_to[to]->to; to++) {
            if (strcmp(b->by_to[to]->to, c->to) != 0) break;
            if (b->by_to[to]->place < all[n].place) all[n].place = b->by_to[to]->place;
        }
        if (c->to)
            status = add_made(b, from, to, &all[n++].item);
        else
            all[n++].item = (struct import_item){.name = mem_strdup(c->source.x->name),
                                                 .shape = c->source.x->shape,
                                                 .verdict = IMPORT_DROPPED,
                                                 .rule = c->rule->to,
                                                 .source = {c->source},
                                                 .sources = 1};
    }
    qsort(all, n, sizeof *all, compare_placed);
    for (size_t i = 0; i < n; i++) *next_item(b->im) = all[i].item;
    free(all);
    return status;
}

/* Names that no rule is for stay, whatever they are. */
static void add_own(struct build *b) {
    for (size_t i = 0; i < b->n; i++)
        *next_item(b->im) = (struct import_item){.name = mem_strdup(b->at[i].name),
                                                 .shape = b->at[i].source.x->shape,
                                                 .source = {b->at[i].source},
                                                 .sources = 1};
}

static int build_foreign(struct build *b) {
    int status = claim_all(b);
    if (status) return status;
    b->by_to = mem_alloc(b->n, sizeof(struct claim *));
    for (size_t i = 0; i < b->n; i++) b->by_to[i] = &b->at[i];
    qsort(b->by_to, b->n, sizeof(struct claim *), compare_claims);
    status = check_whole(b);
    return status ? status : add_items(b);
}

/* Told by the metadata. A newer format is refused by its version. */
static int is_ours(struct import *im, bool *ours) {
    const char *format = st_table_meta(im->file->table, "format");
    const char *version = st_table_meta(im->file->table, "version");
    *ours = !im->file->torch && format && strncmp(format, "ovseg-", 6) == 0;
    if (*ours && (!version || strcmp(version, "1") != 0))
        return error_set(ERR_DATA, "%s: %s of version %s, this ovseg knows 1", im->path, format,
                         version ? version : "?");
    return 0;
}

int import_build(struct import *im) {
    struct build b = {.im = im};
    bool ours;
    int status = is_ours(im, &ours);
    if (!status) status = collect(&b);
    if (!status && !ours) status = tell_family(&b);
    if (!status && b.layout)
        status = build_foreign(&b);
    else if (!status)
        add_own(&b);
    for (size_t i = 0; i < b.n && b.at; i++) free(b.at[i].to);
    strings_free(&b.missing);
    strings_free(&b.missing_as);
    free(b.by_to);
    free(b.name);
    free(b.at);
    return status;
}
