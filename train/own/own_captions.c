/* Captions: whose they are, and what nouns are in them. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text_file.h"
#include "base/utf8.h"
#include "data/nouns.h"
#include "data/unicode.h"
#include "train/own/own.h"
#include "train/signals.h"

enum {
    LOOKED_AT = 2000, /* captions whose nouns are looked for: seven seconds of a core */
    COMMON = 100      /* nouns that are written down */
};

static bool is_blank(const char *s) { return s[strspn(s, " \t\r\n")] == '\0'; }

static char *place_of(const struct caption_entry *e) {
    return e->line ? mem_format("%s: line %zu", e->said, e->line)
                   : mem_format("%s: caption %lld", e->said, (long long)e->id);
}

static void no_picture(struct own *o, const struct caption_entry *e) {
    char *place = place_of(e);
    const char *why;
    const struct own_picture *other = own_near(o, e->name, &why);
    if (other)
        own_problem(o, OWN_NO_PICTURE, "%s: is of %s, the picture is called %s: %s: rename one",
                    place, e->file, other->file, why);
    else
        own_problem(o, OWN_NO_PICTURE,
                    "%s: is of %s, and there is no such picture in %s: put it there, or take the "
                    "caption out",
                    place, e->file, o->images);
    free(place);
}

static void give_out(struct own *o) {
    for (size_t i = 0; i < o->captions.n; i++) {
        struct caption_entry *e = &o->captions.at[i];
        struct own_picture *p = own_picture(o, e->name);
        if (!p) {
            no_picture(o, e);
        } else if (is_blank(e->text)) {
            char *place = place_of(e);
            own_problem(o, OWN_CAPTION, "%s: the caption of %s is empty: write it, or take it out",
                        place, e->file);
            free(place);
        } else {
            o->n_captioned += p->captions++ == 0;
        }
    }
}

/* COCO's JSON names a picture twice: both entries' captions are its, if both name the same file. */
static void check_entries(struct own *o) {
    const struct captions *c = &o->captions;
    if (c->twice.n)
        own_note(o, "%s: %zu picture%s listed twice, with the captions of both: %s", c->path,
                 c->twice.n, c->twice.n == 1 ? " is" : "s are", c->twice.at[0]);
    for (size_t i = 0; i < c->mixed.n; i++)
        own_problem(o, OWN_TWICE,
                    "%s: %s, suffix and folder do not count: rename one of them, or take its entry "
                    "and captions out",
                    c->path, c->mixed.at[i]);
}

/* ---- nouns ---- */

static int find_nouns(const struct own *o, const size_t *caption, int64_t n,
                      struct noun_list *lists) {
    struct nouns_options options = {.backend = NOUNS_LINK_GRAMMAR};
    int code = 0;
    char *message = NULL;
#pragma omp parallel
    {
        struct nouns parser;
        int status = nouns_open(&parser, &options);
        bool open = !status;
#pragma omp for schedule(dynamic, 16)
        for (int64_t i = 0; i < n; i++) {
            const char *text = o->captions.at[caption[i]].text;
            struct noun_caption c = {text, strlen(text), i, i};
            if (!status && !signals_pending()) status = nouns_find(&parser, &c, &lists[i]);
        }
        if (open) nouns_close(&parser);
#pragma omp critical(own_nouns)
        if (status && !code) {
            code = status;
            message = mem_strdup(error_message());
        }
        if (status) error_clear();
    }
    if (code) error_set(code, "%s", message);
    free(message);
    return code ? code : signals_pending() ? signals_error("nothing was written") : 0;
}

struct counted {
    const char *name;
    int64_t n;
};

static int by_count(const void *a, const void *b) {
    const struct counted *x = a, *y = b;
    return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : strcmp(x->name, y->name);
}

static void count_nouns(struct own *o, const struct noun_list *lists, int64_t n) {
    struct strings all = {0};
    int64_t sum = 0;
    for (int64_t i = 0; i < n; i++) {
        o->n_noun_captions += lists[i].n > 0;
        sum += (int64_t)lists[i].n;
        for (size_t k = 0; k < lists[i].n; k++) strings_add(&all, lists[i].name.at[k]);
    }
    o->nouns_each = n ? (double)sum / (double)n : 0;
    strings_settle(&all);
    struct counted *c = mem_alloc(all.n + 1, sizeof *c);
    for (size_t k = 0; k < all.n; k++) c[k].name = all.at[k];
    for (int64_t i = 0; i < n; i++)
        for (size_t k = 0; k < lists[i].n; k++) c[strings_find(&all, lists[i].name.at[k])].n++;
    if (all.n) qsort(c, all.n, sizeof *c, by_count);
    for (size_t k = 0; k < all.n && k < COMMON; k++) strings_add(&o->common, c[k].name);
    o->n_nouns = (int64_t)all.n;
    free(c);
    strings_free(&all);
}

static bool has_foreign_letter(const char *text) {
    int32_t code;
    const char *end = text + strlen(text);
    while (text < end) {
        text += unicode_get(text, (size_t)(end - text), &code);
        if (code > 127 && unicode_is_letter(code)) return true;
    }
    return false;
}

/* The parser knows English. Words that it has never seen are nouns to it, and letters beyond a to z
 * part them: of German it finds many nouns that are none. */
static void check_language(struct own *o, const size_t *caption, int64_t n) {
    const double few = 0.5; /* nouns a caption; those of COCO have three */
    int64_t foreign = 0;
    for (int64_t i = 0; i < n; i++) foreign += has_foreign_letter(o->captions.at[caption[i]].text);
    if (o->nouns_each >= few && 4 * foreign < n) return;
    own_note(
        o,
        "%s: captions are read as English: %.1f nouns a caption were found, and %lld of %lld "
        "captions have letters beyond a to z; nouns of another language are for another program "
        "to find, nouns.backend: tags in mine.yaml (docs/nouns.md)",
        o->captions_path, o->nouns_each, (long long)foreign, (long long)n);
}

/* Of captions that lie evenly among all. */
static int look_for_nouns(struct own *o) {
    size_t *caption = mem_alloc(o->captions.n + 1, sizeof *caption), good = 0;
    for (size_t i = 0; i < o->captions.n; i++)
        if (own_picture(o, o->captions.at[i].name) && !is_blank(o->captions.at[i].text))
            caption[good++] = i;
    int64_t n = good < LOOKED_AT ? (int64_t)good : LOOKED_AT;
    for (int64_t i = 0; i < n; i++) caption[i] = caption[(size_t)i * good / (size_t)n];
    struct noun_list *lists = mem_alloc((size_t)n + 1, sizeof *lists);
    int status = n ? find_nouns(o, caption, n, lists) : 0;
    o->n_looked = n;
    if (!status) count_nouns(o, lists, n);
    if (!status && n && !o->n_nouns)
        own_problem(o, OWN_LAYOUT,
                    "%s: no noun was found in %lld caption%s, and nouns are what is learned: "
                    "captions must be English sentences; \"%s\" is one of them",
                    o->captions_path, (long long)n, n == 1 ? "" : "s",
                    utf8_short(o->captions.at[caption[0]].text, 60).at);
    if (!status && o->n_nouns) check_language(o, caption, n);
    for (int64_t i = 0; i < n; i++) noun_list_free(&lists[i]);
    free(lists);
    free(caption);
    return status;
}

int own_captions(struct own *o) {
    if (!o->captions_path) return 0;
    int status = dir_exists(o->captions_path) ? 0 : text_file_check(o->captions_path);
    if (!status) status = captions_read(&o->captions, o->captions_path, NULL, NULL);
    if (status == ERR_DATA) {
        own_take_error(o, OWN_LAYOUT, "");
        return 0;
    }
    if (status) return status;
    if (o->captions.crlf) own_note(o, "%s: Windows line ends, taken as they are", o->captions_path);
    if (o->captions.doubled)
        own_note(o, "%s: %zu caption%s there again, of the same picture, and count%s once",
                 o->captions_path, o->captions.doubled, o->captions.doubled == 1 ? " is" : "s are",
                 o->captions.doubled == 1 ? "s" : "");
    for (size_t i = 0; i < o->captions.damaged.n; i++)
        own_problem(o, OWN_CAPTION, "%s", o->captions.damaged.at[i]);
    check_entries(o);
    give_out(o);
    if (o->captions.n && !o->n_captioned)
        own_problem(o, OWN_LAYOUT,
                    "%s: none of its captions is of a picture in %s: name the pictures as their "
                    "files are named",
                    o->captions_path, o->images);
    return o->n_captioned ? look_for_nouns(o) : 0;
}
