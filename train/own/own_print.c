#include <stdlib.h>

#include "train/own/own.h"
#include "train/own/own_configs.h"

static double share(int64_t n, int64_t of) { return of ? 100 * (double)n / (double)of : 0; }

static void print_pictures(const struct own *o, FILE *to) {
    const struct own_picture *small = NULL, *large = NULL;
    int64_t n = own_usable(o);
    for (size_t i = 0; i < o->n; i++) {
        const struct own_picture *p = &o->at[i];
        if (p->out) continue;
        if (!small || p->h * p->w < small->h * small->w) small = p;
        if (!large || p->h * p->w > large->h * large->w) large = p;
    }
    fprintf(to, "pictures   %lld in %s", (long long)n, o->images);
    if (small && small->h * small->w != large->h * large->w)
        fprintf(to, ", %lld x %lld to %lld x %lld", (long long)small->w, (long long)small->h,
                (long long)large->w, (long long)large->h);
    else if (small)
        fprintf(to, ", %lld x %lld", (long long)small->w, (long long)small->h);
    if ((int64_t)o->n > n) fprintf(to, "; %lld left out", (long long)((int64_t)o->n - n));
    fputs("\n", to);
}

static void print_captions(const struct own *o, FILE *to) {
    int64_t n = own_usable(o), with = 0, given = 0; /* the file may be of other pictures, too */
    for (size_t i = 0; i < o->n; i++) {
        const struct own_picture *p = &o->at[i];
        with += !p->out && p->captions;
        given += p->out ? 0 : p->captions;
    }
    if (!o->captions_path) {
        fputs("captions   none: only the names of the masks will be learned\n", to);
        return;
    }
    fprintf(to, "captions   of %lld of %lld pictures (%.0f %%): %lld, %s, %s\n", (long long)with,
            (long long)n, share(with, n), (long long)given, captions_form_name(o->captions.form),
            o->captions_path);
    fprintf(to, "nouns      %lld different in %lld caption%s%s, %.1f a caption; most often:",
            (long long)o->n_nouns, (long long)o->n_looked, o->n_looked == 1 ? "" : "s",
            o->n_looked < given ? " that were looked at" : "", o->nouns_each);
    for (size_t k = 0; k < o->common.n && k < 8; k++)
        fprintf(to, "%s %s", k ? "," : "", o->common.at[k]);
    fputs("\n", to);
}

static void print_masks(const struct own *o, FILE *to) {
    static const char *const form[] = {"", "index PNG", "colour PNG", "COCO instances"};
    int64_t n = own_usable(o), used = 0;
    if (!o->masks_path && o->names.n)
        fprintf(to, "names      %zu, %s\n", o->names.n, o->names_path);
    if (!o->masks_path) {
        fputs(
            "masks      none: nothing can tell how good names of your pictures' parts are, and "
            "masks are proposed by a network that has never seen pictures like yours\n",
            to);
        return;
    }
    fprintf(to, "masks      of %lld of %lld pictures (%.0f %%): %s, %s\n", (long long)o->n_masks,
            (long long)n, share(o->n_masks, n), form[o->masks], o->masks_path);
    for (size_t k = 0; k < o->names.n; k++) used += o->class_in[k] > 0;
    fprintf(to, "names      %lld of %zu occur%s in masks", (long long)used, o->names.n,
            used == 1 ? "s" : "");
    int shown = 0;
    for (size_t k = 0; k < o->names.n; k++)
        if (!o->class_in[k] && shown++ < 8)
            fprintf(to, "%s %s", shown == 1 ? "; never:" : ",", o->names.at[k].name);
    fprintf(to, "%s%s%s\n", shown > 8 ? ", ..." : "", o->names_path ? "; " : "",
            o->names_path ? o->names_path : "");
}

static void print_split(const struct own *o, FILE *to) {
    static const char *const names[] = {"train", "val", "test"};
    fputs("split     ", to);
    for (int k = 0; k < 3; k++) fprintf(to, "%s %s %zu", k ? "," : "", names[k], o->list[k].n);
    if (o->n_masks)
        fprintf(to, "; %lld with %s", (long long)o->train_masks,
                o->train_masks == 1 ? "a mask trains" : "masks train");
    if (o->n_alike)
        fprintf(
            to, "; %lld %s%s", (long long)o->n_alike,
            o->n_alike == 1 ? "is nearly the same as another one" : "are nearly the same as others",
            o->keeps_lists    ? "" /* where they were edited, who knows */
            : o->n_alike == 1 ? " and on its side"
                              : " and on their side");
    fputs("\n", to);
}

/* The program comes with configs, not with weights. */
static void print_weights(const struct own *o, FILE *to) {
    bool clip = !o->clip;
    bool masks = !o->proposals && (!own_trains_masks(o) || own_masks_start(o));
    if (o->clip && o->proposals) return;
    if (clip || masks)
        fprintf(to,
                "weights    none are named: ovseg-train first trains %s%s%s on drawn scenes, 3 to "
                "20 minutes, once for all chains of a folder of runs\n"
                "           to try the path in less, with what is worth nothing:%s%s\n",
                clip ? "a miniature CLIP" : "", clip && masks ? " and " : "",
                masks ? "miniature proposals" : "", clip ? " --clip @smoke/clip.yaml" : "",
                masks ? " --proposals @smoke/proposals.yaml" : "");
    fprintf(to, "%s for real use name published weights:%s%s (docs/published-weights.md)\n",
            clip || masks ? "          " : "weights   ", clip ? " --clip ViT-B-16.pt" : "",
            o->proposals ? "" : " --proposals ovseg.pth");
}

static void print_start(const struct own *o, FILE *to) {
    fprintf(to, "recipe     @own/*-%s.yaml, for about %lld pairs\n", own_recipe(o),
            (long long)own_pairs(o));
    if (own_trains_masks(o)) {
        const char *start = own_masks_start(o);
        fprintf(to, "proposals  trained on your masks, %s%s\n",
                start ? "starting from " : "from nothing: name a trained one, --proposals",
                start ? start : "");
    } else if (o->n_masks) {
        fprintf(to, "proposals  %s\n",
                !o->proposals ? "the shipped miniature: too few masks to train on"
                : o->network  ? "as they are: too few masks to train on"
                              : "as they are: on your masks it would go on from a run, or a "
                                "config, of stage proposals, not from weights or a package");
    }
    print_weights(o, to);
}

void own_print(const struct own *o, FILE *to) {
    print_pictures(o, to);
    print_captions(o, to);
    print_masks(o, to);
    print_split(o, to);
    print_start(o, to);
    for (size_t i = 0; i < o->notes.n; i++) fprintf(to, "note       %s\n", o->notes.at[i]);
    struct str few = {0};
    if (own_few_held(o, &few)) fprintf(to, "note       %s\n", few.at);
    str_free(&few);
}
