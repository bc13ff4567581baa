/* ovseg mine diff A B: what differs between two folders of mined pairs. */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "data/pairs_diff.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_arguments.h"
#include "train/commands/cmd_mine.h"
#include "train/mine/pairs_place.h"

struct arguments {
    const char *a, *b;
    double tolerance;
    int64_t top;
    bool json, list, exit_code;
};

enum { KEY_TOLERANCE = 256, KEY_TOP, KEY_JSON, KEY_LIST, KEY_EXIT_CODE };

static const struct argp_option options[] = {
    {"tolerance", KEY_TOLERANCE, "X", 0,
     "Similarities that differ by no more than X are the same (default 0)", 0},
    {"top", KEY_TOP, "N", 0, "So many nouns, those whose counts differ most (default 20)", 0},
    {"list", KEY_LIST, 0, 0,
     "Print the pairs that differ, a line each: <, >, mask or score; id in A, id in B, noun, "
     "similarity in A, in B, overlap of the masks (IoU); separated by tabs, - where there is none",
     0},
    {"json", KEY_JSON, 0, 0, "Print JSON; with --list a key \"list\", too", 0},
    {"exit-code", KEY_EXIT_CODE, 0, 0, "Exit with 1 when they differ, as diff does", 0},
    {0},
};

static const char doc[] =
    "Compares mined pairs. A and B are runs of stage mine, their configs, or folders of pairs. "
    "A pair of A and one of B are the same when picture, caption and noun are (by the ids that "
    "their set has); then their masks and similarities are compared. By the same mask is meant: to "
    "the pixel.\v"
    "Exit status: 0 done, also when they differ (1 with --exit-code), 64 usage, 65 damaged, 66 "
    "missing, 74 output.";

static double real(struct argp_state *state, const char *text) {
    char *end;
    double x = strtod(text, &end);
    if (end == text || *end || !(x >= 0) || !isfinite(x))
        argp_error(state, "--tolerance %s: is no number from 0 on", text);
    return x;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_TOLERANCE: a->tolerance = real(state, arg); break;
    case KEY_TOP: a->top = argument_int(state, "--top", arg, 0, INT32_MAX); break;
    case KEY_JSON: a->json = true; break;
    case KEY_LIST: a->list = true; break;
    case KEY_EXIT_CODE: a->exit_code = true; break;
    case ARGP_KEY_ARG: argument_of_two(state, arg, &a->a, &a->b); break;
    case ARGP_KEY_END:
        if (!a->b) argp_usage(state);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* Both sides and what differs. */
struct comparison {
    struct pairs_place a, b;
    struct pairs_diff d;
    struct noun_change *noun;
    int64_t n_nouns;
};

static const char *const names[] = {"<", ">", "mask", "score"}; /* enum pair_change */
static const char *const keys[] = {"only_a", "only_b", "other_mask", "other_score", "same"};

static void put_text(struct str *out, const struct comparison *c, int64_t top) {
    static const char *const said[] = {"only in A", "only in B", "of both, on another mask",
                                       "of both, another similarity", "the same"};
    str_add(out, "A %9lld  pairs, %zu nouns  %s\n", (long long)c->a.pairs.n, c->a.pairs.noun.n,
            c->a.dir);
    str_add(out, "B %9lld  pairs, %zu nouns  %s\n\n", (long long)c->b.pairs.n, c->b.pairs.noun.n,
            c->b.dir);
    for (int k = 0; k < PAIR_CHANGES; k++)
        str_add(out, "  %9lld  %s\n", (long long)c->d.count[k], said[k]);
    str_add(out, "  %9.3g  largest difference of similarities\n", c->d.score_max);
    for (int i = 0; i < PAIRS_SOURCES; i++) {
        const char *a = c->a.pairs.source.at[i], *b = c->b.pairs.source.at[i];
        if (strcmp(a, b) != 0)
            str_add(out, "  mined with other %s: %s, %s\n", pairs_source_names[i], a, b);
    }
    if (!c->n_nouns || !top) return;
    str_add(out, "\n%9s %9s %9s  nouns whose counts differ, of %lld\n", "A", "B", "B - A",
            (long long)c->n_nouns);
    for (int64_t i = 0; i < c->n_nouns && i < top; i++)
        str_add(out, "%9lld %9lld %+9lld  %s\n", (long long)c->noun[i].a, (long long)c->noun[i].b,
                (long long)(c->noun[i].b - c->noun[i].a), c->noun[i].noun);
}

/* What is said of a difference, on both its sides. */
struct side {
    char id[24];
    const char *noun;
    double similarity;
    bool there;
};

static struct side side_of(const struct pairs *p, int64_t row) {
    struct side s = {.there = row >= 0};
    if (!s.there) return s;
    pair_id_print(p->id[row], s.id);
    s.noun = p->noun.at[p->at[row].noun];
    s.similarity = (double)p->at[row].similarity;
    return s;
}

static void put_list(struct str *out, const struct comparison *c) {
    for (size_t i = 0; i < c->d.n; i++) {
        const struct pair_difference *x = &c->d.at[i];
        struct side a = side_of(&c->a.pairs, x->a), b = side_of(&c->b.pairs, x->b);
        str_add(out, "%s\t%s\t%s\t%s", names[x->change], a.there ? a.id : "-", b.there ? b.id : "-",
                a.there ? a.noun : b.noun);
        for (int k = 0; k < 2; k++) {
            const struct side *s = k ? &b : &a;
            str_add(out, s->there ? "\t%.6f" : "\t-", s->similarity);
        }
        str_add(out, a.there && b.there ? "\t%.4f\n" : "\t-\n", x->iou);
    }
}

static void put_json_side(struct json_out *j, const char *key, const struct side *s) {
    json_key(j, key);
    if (!s->there) {
        json_null(j);
        return;
    }
    json_object(j);
    json_key_string(j, "id", s->id);
    json_key_real(j, "similarity", s->similarity);
    json_end(j);
}

static void put_json_list(struct json_out *j, const struct comparison *c) {
    json_key(j, "list");
    json_array(j);
    for (size_t i = 0; i < c->d.n; i++) {
        const struct pair_difference *x = &c->d.at[i];
        struct side a = side_of(&c->a.pairs, x->a), b = side_of(&c->b.pairs, x->b);
        json_object(j);
        json_key_string(j, "change", keys[x->change]);
        json_key_string(j, "noun", a.there ? a.noun : b.noun);
        put_json_side(j, "a", &a);
        put_json_side(j, "b", &b);
        if (a.there && b.there) json_key_real(j, "iou", x->iou);
        json_end(j);
    }
    json_end(j);
}

static void put_json(struct str *out, const struct comparison *c, const struct arguments *a) {
    struct json_out j = {.to = out};
    json_object(&j);
    for (int k = 0; k < 2; k++) {
        const struct pairs_place *at = k ? &c->b : &c->a;
        json_key(&j, k ? "b" : "a");
        json_object(&j);
        json_key_string(&j, "path", at->dir);
        json_key_int(&j, "pairs", at->pairs.n);
        json_key_int(&j, "nouns", (int64_t)at->pairs.noun.n);
        for (int i = 0; i < PAIRS_SOURCES; i++)
            json_key_string(&j, pairs_source_names[i], at->pairs.source.at[i]);
        json_end(&j);
    }
    for (int k = 0; k < PAIR_CHANGES; k++) json_key_int(&j, keys[k], c->d.count[k]);
    json_key_real(&j, "largest_score_difference", c->d.score_max);
    json_key(&j, "nouns");
    json_array(&j);
    for (int64_t i = 0; i < c->n_nouns && i < a->top; i++) {
        json_object(&j);
        json_key_string(&j, "noun", c->noun[i].noun);
        json_key_int(&j, "a", c->noun[i].a);
        json_key_int(&j, "b", c->noun[i].b);
        json_end(&j);
    }
    json_end(&j);
    if (a->list) put_json_list(&j, c);
    json_end(&j);
    str_add(out, "\n");
}

static int print(const struct comparison *c, const struct arguments *a) {
    struct str out = {0};
    if (a->json)
        put_json(&out, c, a);
    else if (a->list)
        put_list(&out, c);
    else
        put_text(&out, c, a->top);
    if (out.n) fputs(out.at, stdout);
    str_free(&out);
    return fflush(stdout) ? error_set(ERR_IO, "stdout: cannot write") : 0;
}

int cmd_mine_diff(int argc, char **argv) {
    static const struct argp argp = {options, parse, "A B", doc, 0, 0, 0};
    struct arguments a = {.top = 20};
    struct comparison c = {0};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    int status = pairs_place_open(&c.a, a.a);
    if (!status) status = pairs_place_open(&c.b, a.b);
    if (!status) status = pairs_diff_of(&c.d, &c.a.pairs, &c.b.pairs, a.tolerance);
    if (!status) {
        c.noun = pairs_noun_changes(&c.a.pairs, &c.b.pairs, &c.n_nouns);
        status = print(&c, &a);
    }
    bool differ = c.d.n > 0;
    free(c.noun);
    pairs_diff_free(&c.d);
    pairs_place_close(&c.a);
    pairs_place_close(&c.b);
    if (status) return cmd_failed();
    return a.exit_code && differ ? 1 : 0;
}
