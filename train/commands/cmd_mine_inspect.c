/* ovseg mine inspect PAIRS: what mined pairs are, in numbers and in pictures. */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "data/contact_sheet.h"
#include "data/font.h"
#include "data/pairs_crop.h"
#include "data/pairs_stats.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_arguments.h"
#include "train/commands/cmd_mine.h"
#include "train/mine/pairs_place.h"

struct arguments {
    const char *pairs, *scenes, *out;
    struct pairs_filter filter;
    int64_t image, tiles, seed, top, side;
    bool json, list, outline;
};

enum {
    KEY_NOUN = 256,
    KEY_SCORE,
    KEY_IMAGE,
    KEY_SEED,
    KEY_TOP,
    KEY_SIDE,
    KEY_JSON,
    KEY_LIST,
    KEY_OUTLINE,
    KEY_SCENES
};

static const struct argp_option options[] = {
    {"noun", KEY_NOUN, "NOUN", 0, "Only the pairs of this noun", 0},
    {"score", KEY_SCORE, "LO..HI", 0, "Only pairs with a similarity in this band, ends included",
     0},
    {"image", KEY_IMAGE, "ID", 0, "Only the pairs of the picture of this id", 0},
    {"output", 'o', "FILE.png", 0, "Draw a sheet of the pairs", 0},
    {"tiles", 'n', "N", 0, "At most so many on the sheet, drawn at random (default 36)", 0},
    {"seed", KEY_SEED, "N", 0, "Of that draw (default 1)", 0},
    {"side", KEY_SIDE, "PIXELS", 0, "Of a picture on the sheet (default 192)", 0},
    {"outline", KEY_OUTLINE, 0, 0,
     "Whole pictures with the masks outlined; without it the masked crops that CLIP sees", 0},
    {"scenes", KEY_SCENES, "RUN|FILE", 0,
     "Where the pictures are, when the pairs have been moved away from their run", 0},
    {"list", KEY_LIST, 0, 0,
     "Print the pairs themselves, a line each: id, noun, similarity, margin, image id, caption id, "
     "proposal, pixels; separated by tabs",
     0},
    {"top", KEY_TOP, "N", 0, "So many of the most frequent and of the rarest nouns (default 20)",
     0},
    {"json", KEY_JSON, 0, 0, "Print JSON; with --list a key \"list\", too", 0},
    {0},
};

static const char doc[] =
    "Looks at mined pairs: PAIRS is a run of stage mine, its config, its folder of pairs, or a "
    "folder that was edited. Prints counts, nouns and a histogram of similarities; of all, or of "
    "those that the options name, which also choose what is drawn.\v"
    "An id, 3:17, is a pair's file and row: it stays when more pictures are mined, and in edited "
    "folders; `ovseg mine edit` takes it.\n\n"
    "Exit status: 0 done, 64 usage, 65 damaged, 66 missing, 74 input or output.";

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_NOUN: a->filter.noun = arg; break;
    case KEY_SCORE: argument_band(state, "--score", arg, &a->filter.lo, &a->filter.hi); break;
    case KEY_IMAGE:
        a->image = argument_int(state, "--image", arg, INT64_MIN, INT64_MAX);
        a->filter.image = &a->image;
        break;
    case KEY_SEED: a->seed = argument_int(state, "--seed", arg, 0, INT64_MAX); break;
    case KEY_TOP: a->top = argument_int(state, "--top", arg, 0, INT32_MAX); break;
    case KEY_SIDE: a->side = argument_int(state, "--side", arg, 16, 2048); break;
    case KEY_SCENES: a->scenes = arg; break;
    case KEY_JSON: a->json = true; break;
    case KEY_LIST: a->list = true; break;
    case KEY_OUTLINE: a->outline = true; break;
    case 'n': a->tiles = argument_int(state, "--tiles", arg, 1, 10000); break;
    case 'o': a->out = arg; break;
    case ARGP_KEY_ARG:
        if (a->pairs) argp_usage(state);
        a->pairs = arg;
        break;
    case ARGP_KEY_END:
        if (!a->pairs) argp_usage(state);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* ---- numbers ---- */

static int64_t nouns_seen(const struct pairs_stats *s, int64_t times) {
    int64_t n = 0;
    while (n < s->n_nouns && s->noun[n].n >= times) n++;
    return n;
}

static void put_bins(struct str *out, const struct pairs_stats *s) {
    enum { BAR = 40 };
    int64_t most = 1;
    for (int64_t b = 0; b < s->n_bins; b++) most = s->bin[b] > most ? s->bin[b] : most;
    str_add(out, "\n%-20s %9s\n", "similarity", "pairs");
    for (int64_t b = 0; b < s->n_bins; b++) {
        int bar = (int)((s->bin[b] * BAR + most - 1) / most);
        str_add(out, "%9.*f ..%8.*f %9lld  %.*s\n", s->digits, s->edge[b], s->digits,
                s->edge[b + 1], (long long)s->bin[b], bar,
                "########################################");
    }
}

static void put_nouns(struct str *out, const struct pairs *p, const struct pairs_stats *s,
                      int64_t top) {
    int64_t rows = top < s->n_nouns ? top : s->n_nouns;
    if (!rows) return;
    str_add(out, "\n%9s  %-28s %9s  %s\n", "pairs", "most frequent nouns", "pairs", "rarest nouns");
    for (int64_t i = 0; i < rows; i++) {
        const struct noun_count *often = &s->noun[i], *rare = pairs_stats_rare(s, i);
        str_add(out, "%9lld  %-28s %9lld  %s\n", (long long)often->n, p->noun.at[often->noun],
                (long long)rare->n, p->noun.at[rare->noun]);
    }
}

static void put_text(struct str *out, const struct pairs_place *at, const struct pairs_stats *s,
                     const struct arguments *a) {
    str_add(out, "%s\n", at->dir);
    str_add(out, "%9lld  pairs", (long long)s->n);
    if (s->n != at->pairs.n) str_add(out, " of %lld", (long long)at->pairs.n);
    str_add(out, "%s\n%9lld  nouns: %lld of them once, %lld 41 times or more\n",
            at->pairs.edits ? ", edited" : "", (long long)s->n_nouns,
            (long long)(s->n_nouns - nouns_seen(s, 2)), (long long)nouns_seen(s, 41));
    str_add(out, "%9lld  pictures, %lld captions\n", (long long)s->images, (long long)s->captions);
    str_add(out, "%9.4f  similarity, mean; %.4f to %.4f\n", s->mean, s->min, s->max);
    str_add(out, "%7.1f %%  of a picture are in its mask, median\n", 100 * s->median_area);
    put_bins(out, s);
    put_nouns(out, &at->pairs, s, a->top);
}

static void put_noun_list(struct json_out *j, const char *key, const struct pairs *p,
                          const struct pairs_stats *s, int64_t n, bool rare) {
    json_key(j, key);
    json_array(j);
    for (int64_t i = 0; i < n && i < s->n_nouns; i++) {
        const struct noun_count *c = rare ? pairs_stats_rare(s, i) : &s->noun[i];
        json_object(j);
        json_key_string(j, "noun", p->noun.at[c->noun]);
        json_key_int(j, "pairs", c->n);
        json_end(j);
    }
    json_end(j);
}

static void put_json_bins(struct json_out *j, const struct pairs_stats *s) {
    json_key(j, "histogram");
    json_array(j);
    for (int64_t b = 0; b < s->n_bins; b++) {
        json_object(j);
        json_key_real(j, "from", s->edge[b]);
        json_key_real(j, "to", s->edge[b + 1]);
        json_key_int(j, "pairs", s->bin[b]);
        json_end(j);
    }
    json_end(j);
}

static void put_json_pair(struct json_out *j, const struct pairs *p, int64_t i) {
    const struct pair *a = &p->at[i];
    char id[24];
    pair_id_print(p->id[i], id);
    json_object(j);
    json_key_string(j, "id", id);
    json_key_string(j, "noun", p->noun.at[a->noun]);
    json_key_real(j, "similarity", (double)a->similarity);
    json_key_real(j, "margin", (double)a->margin);
    json_key_int(j, "image_id", a->image_id);
    json_key_int(j, "caption_id", a->caption_id);
    json_key_int(j, "proposal", a->proposal);
    json_key_int(j, "area", a->area);
    json_end(j);
}

static void put_json(struct str *out, const struct pairs_place *at, const struct pairs_stats *s,
                     const int64_t *row, const struct arguments *a) {
    const struct pairs *p = &at->pairs;
    struct json_out j = {.to = out};
    json_object(&j);
    json_key_string(&j, "path", at->dir);
    for (int i = 0; i < PAIRS_SOURCES; i++)
        json_key_string(&j, pairs_source_names[i], p->source.at[i]);
    json_key_int(&j, "all_pairs", p->n);
    json_key_int(&j, "pairs", s->n);
    json_key_int(&j, "nouns", s->n_nouns);
    json_key_int(&j, "nouns_once", s->n_nouns - nouns_seen(s, 2));
    json_key_int(&j, "nouns_41", nouns_seen(s, 41));
    json_key_int(&j, "pictures", s->images);
    json_key_int(&j, "captions", s->captions);
    json_key_real(&j, "median_area", s->median_area);
    json_key(&j, "similarity");
    json_object(&j);
    json_key_real(&j, "min", s->min);
    json_key_real(&j, "mean", s->mean);
    json_key_real(&j, "max", s->max);
    put_json_bins(&j, s);
    json_end(&j);
    put_noun_list(&j, "top", p, s, a->top, false);
    put_noun_list(&j, "rare", p, s, a->top, true);
    if (a->list) {
        json_key(&j, "list");
        json_array(&j);
        for (int64_t i = 0; i < s->n; i++) put_json_pair(&j, p, row[i]);
        json_end(&j);
    }
    json_end(&j);
    str_add(out, "\n");
}

static void put_list(struct str *out, const struct pairs *p, const int64_t *row, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        const struct pair *a = &p->at[row[i]];
        char id[24];
        pair_id_print(p->id[row[i]], id);
        str_add(out, "%s\t%s\t%.6f\t%.6f\t%lld\t%lld\t%lld\t%lld\n", id, p->noun.at[a->noun],
                (double)a->similarity, (double)a->margin, (long long)a->image_id,
                (long long)a->caption_id, (long long)a->proposal, (long long)a->area);
    }
}

/* ---- pictures ---- */

static int put_tile(struct contact_sheet *sheet, int64_t k, const struct pairs *p, int64_t i,
                    const struct dataset *d, bool outline) {
    const struct pair *a = &p->at[i];
    struct region_options o = {.side = sheet->side, .expand = 1, .fill = REGION_FILL_MEAN};
    struct image im = {0}, tile = {0};
    struct mask mask = {0};
    int status = d->source->image(d, a->image, &im);
    if (!status && outline)
        status = pairs_mask_on(p, i, &im, &mask);
    else if (!status)
        status = pairs_crop(p, i, &im, &o, &tile, &mask);
    if (!status && outline) status = contact_outline(&im, &mask, sheet->side, &tile);
    if (!status) {
        char id[24];
        pair_id_print(p->id[i], id);
        char *first = font_name((uint32_t)a->noun, p->noun.at[a->noun]);
        char *second = mem_format("%s %.3f", id, (double)a->similarity); /* the id is never cut */
        contact_sheet_put(sheet, k, &tile, first, second);
        free(first);
        free(second);
    }
    image_free(&im);
    image_free(&tile);
    mask_free(&mask);
    return status;
}

static int draw(struct pairs_place *at, int64_t *row, int64_t n, const struct arguments *a) {
    struct contact_sheet sheet = {0};
    struct dataset pictures;
    struct bytes png = {0};
    if (!n) return error_set(ERR_DATA, "%s: no such pairs: there is nothing to draw", at->dir);
    pairs_draw(row, &n, a->tiles, a->seed);
    int status = pairs_place_pictures(at, a->scenes, &pictures);
    if (status) return status;
    status = contact_sheet_open(&sheet, n, a->side);
    for (int64_t k = 0; !status && k < n; k++)
        status = put_tile(&sheet, k, &at->pairs, row[k], &pictures, a->outline);
    if (!status) status = image_encode_png(&sheet.picture, &png);
    if (!status) status = file_write(a->out, png.at, png.n);
    if (!status) log_info("%s: %lld pairs", a->out, (long long)n);
    bytes_free(&png);
    contact_sheet_free(&sheet);
    dataset_close(&pictures);
    return status;
}

static int inspect(const struct arguments *a) {
    struct pairs_place at;
    int status = pairs_place_open(&at, a->pairs);
    if (!status) {
        int64_t n, *row = pairs_pick(&at.pairs, &a->filter, &n);
        struct pairs_stats s;
        struct str out = {0};
        pairs_stats_of(&s, &at.pairs, row, n);
        if (a->json)
            put_json(&out, &at, &s, row, a);
        else if (a->list)
            put_list(&out, &at.pairs, row, n);
        else
            put_text(&out, &at, &s, a);
        if (out.n) fputs(out.at, stdout);
        if (fflush(stdout)) status = error_set(ERR_IO, "stdout: cannot write");
        if (!status && a->out) status = draw(&at, row, n, a);
        str_free(&out);
        pairs_stats_free(&s);
        free(row);
    }
    pairs_place_close(&at);
    return status;
}

int cmd_mine_inspect(int argc, char **argv) {
    static const struct argp argp = {options, parse, "PAIRS", doc, 0, 0, 0};
    struct arguments a = {
        .filter = pairs_filter_all(), .tiles = 36, .seed = 1, .top = 20, .side = 192};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return inspect(&a) ? cmd_failed() : 0;
}
