#include "train/own/own_configs.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "train/cluster/slurm_text.h"

enum {
    FEW_PAIRS = 500, /* below: steps are counted, not passes */
    FEW_STEPS = 60,
    MASKS_MIN = 8,    /* in training, for a network of masks of one's own */
    SMALL_SIDE = 128, /* pictures that stay as they are */
    LARGE_SIDE = 640, /* for a published CLIP */
    MINIATURE_SIDE = 96
};

/* ---- sizes ---- */

static int by_number(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int64_t median_side(const struct own *o) {
    int64_t *side = mem_alloc(o->n + 1, sizeof *side), n = 0;
    for (size_t i = 0; i < o->n; i++)
        if (!o->at[i].out) side[n++] = o->at[i].h < o->at[i].w ? o->at[i].h : o->at[i].w;
    qsort(side, (size_t)n, sizeof *side, by_number);
    int64_t median = n ? side[n / 2] : 0;
    free(side);
    return median;
}

/* Whether pictures are so small that they stay as they are, if they all have one size. */
static bool keeps_size(const struct own *o) {
    bool same = true;
    const struct own_picture *first = NULL;
    for (size_t i = 0; i < o->n; i++) {
        const struct own_picture *p = &o->at[i];
        if (p->out) continue;
        if (!first) first = p;
        same &= p->h == first->h && p->w == first->w;
    }
    return same && first && first->h <= SMALL_SIDE && first->w <= SMALL_SIDE;
}

int64_t own_side(const struct own *o) {
    int64_t median = median_side(o), most = o->large ? LARGE_SIDE : MINIATURE_SIDE;
    return keeps_size(o) || median < most ? median : most;
}

/* Pixels of the smallest mask that takes part, so many to a picture. */
static int64_t least_area(const struct own *o, int64_t to_a_picture) {
    int64_t area = own_side(o) * own_side(o) / to_a_picture;
    return area > 1 ? area : 1;
}

int64_t own_pairs(const struct own *o) {
    enum { CAPTIONS = 5 }; /* mine.captions of configs/own/mine.yaml */
    double pairs = 0;
    int64_t masks = 0, all = 0;
    for (size_t k = 0; k < o->names.n && !o->n_captioned; k++) masks += o->class_in[k];
    for (size_t i = 0; i < o->n; i++)
        all += o->at[i].captions > CAPTIONS ? CAPTIONS : o->at[i].captions;
    if (o->n_captioned)
        pairs = o->nouns_each * (double)all * (double)o->list[0].n / (double)(own_usable(o) + 1);
    else if (o->n_masks)
        pairs = (double)(masks * o->train_masks) / (double)o->n_masks;
    return (int64_t)pairs;
}

const char *own_recipe(const struct own *o) {
    int64_t n = own_pairs(o);
    return n < 3000 ? "1k" : n < 30000 ? "10k" : "100k";
}

bool own_trains_masks(const struct own *o) {
    return o->train_masks >= MASKS_MIN && (!o->proposals || o->network);
}

const char *own_masks_start(const struct own *o) {
    if (o->network) return o->proposals;
    if (o->proposals || o->clip) return NULL; /* the shipped one fits the shipped CLIP alone */
    return "@proposals.yaml";
}

/* ---- texts ---- */

static struct str *new_file(struct own_configs *c, const char *name) {
    c->at = mem_grow(c->at, &c->cap, c->n + 1, sizeof *c->at);
    c->at[c->n] = (struct own_file){.name = mem_strdup(name)};
    return &c->at[c->n++].text;
}

static void put_path(struct str *s, const char *before, const char *path) {
    str_add(s, "%s", before);
    json_quote(s, path);
    str_add(s, "\n");
}

/* What comes with the program is said by its @name: wherever the program lies then. */
static void put_base(struct str *s, const char *recipe) {
    str_add(s, "base: \"@own/%s.yaml\"\n", recipe);
}

static void put_clip(struct str *s, const struct own *o, const char *name) {
    char *before = mem_format("  %s: ", name);
    put_path(s, before, o->clip ? o->clip : "@clip.yaml");
    free(before);
}

/* What takes part as masks of pictures in mining and in the table. */
static void put_proposals(struct str *s, const struct own *o) {
    if (own_trains_masks(o))
        str_add(s, "  proposals: masks.yaml\n");
    else
        put_path(s, "  proposals: ", o->proposals ? o->proposals : "@proposals.yaml");
}

static void put_data(struct own_configs *c, const struct own *o) {
    struct str *s = new_file(c, "data.yaml");
    int64_t side = own_side(o);
    str_add(s,
            "# The pictures, captions and masks, where they lie. Lists in split/ say who trains;\n"
            "# move lines between them as you like, but leave pictures that are alike together.\n");
    put_base(s, "data");
    str_add(s, "inputs:\n");
    put_path(s, "  images: ", o->images);
    if (o->captions_path) put_path(s, "  captions: ", o->captions_path);
    if (o->n_masks) {
        put_path(s, "  masks: ", o->masks_path);
        str_add(s, "  names: names.yaml\n");
    }
    str_add(s, "  split: split\nprepare:\n");
    if (keeps_size(o))
        str_add(s, "  shortest: 0        # pictures stay as they are, they are small\n");
    else
        str_add(s,
                "  shortest: %lld       # short side of the pictures that all stages see, pixels; "
                "larger shows more and takes longer\n  longest: %lld\n",
                (long long)side, (long long)(o->large ? 4 * side : 2 * side));
}

static void put_proposals_config(struct own_configs *c, const struct own *o) {
    if (!own_trains_masks(o)) return;
    const char *start = own_masks_start(o);
    struct str *s = new_file(c, "masks.yaml");
    int64_t batch = 8;
    while (batch > 1 && 2 * batch > o->train_masks)
        batch /= 2; /* some may hold unseen classes only */
    str_add(s, "# A network that proposes masks, on the %lld pictures with masks that train.\n",
            (long long)o->train_masks);
    if (o->network)
        put_path(s, "base: ", o->network);
    else
        put_base(s, start ? "proposals-50-500" : "proposals-new");
    if (start) str_add(s, "# It goes on from what that network has learned.\n");
    str_add(s, "stage: proposals\ninputs:\n  scenes: data.yaml\n");
    put_clip(s, o, "clip");
    if (o->network) put_path(s, "init:\n  weights: ", start);
    str_add(
        s,
        "segment: {sizes: [], longest: 0, crop: %lld, colour: false} # square parts of pictures; "
        "pixels without a label count for nothing\n",
        (long long)own_side(o));
    if (o->network) str_add(s, "pretrain: {steps: 0}\noptim: {lr: 5e-4, steps: 200, warmup: 20}\n");
    str_add(s, "# optim.steps is 200: more for more masks, about ten passes of all of them\n");
    str_add(s, "batch: {global: %lld}\n", (long long)batch);
}

static void put_mine(struct own_configs *c, const struct own *o) {
    struct str *s = new_file(c, "mine.yaml");
    bool captions = o->n_captioned > 0;
    str_add(s, captions
                   ? "# For each noun of a caption, the mask that CLIP finds most like it.\n"
                   : "# The masks and their names are the pairs, since there are no captions.\n");
    put_base(s, captions ? "mine" : "mine-masks");
    str_add(s, "inputs:\n  scenes: data.yaml\n");
    if (captions) {
        put_clip(s, o, "clip");
        put_proposals(s, o);
    }
    if (!o->large)
        str_add(s, "mine: {min_area: %lld%s} # masks of fewer pixels take no part\n",
                (long long)least_area(o, 200),
                captions && own_trains_masks(o) ? ", mask_threshold: 0.3" : "");
}

/* So that the smallest of folders has four batches. */
static int64_t batch_of(int64_t pairs, const char *recipe) {
    int64_t most = strcmp(recipe, "1k") == 0 ? 32 : strcmp(recipe, "10k") == 0 ? 64 : 256;
    int64_t batch = most;
    while (batch > 4 && 4 * batch > pairs) batch /= 2;
    return batch;
}

/* Some five times in a training, by round numbers of steps. */
static int64_t every_of(int64_t steps) {
    int64_t every = steps / 5;
    return every >= 20 ? every / 10 * 10 : every > 1 ? every : 1;
}

/* `passes` of all pairs, as the recipe has them. */
static void put_training(struct str *s, const struct own *o, int64_t passes,
                         const char *large_rate) {
    int64_t pairs = own_pairs(o), batch = batch_of(pairs, own_recipe(o));
    int64_t steps = pairs < FEW_PAIRS ? FEW_STEPS : passes * (pairs / batch);
    str_add(s, "batch: {global: %lld} # of about %lld pairs\n", (long long)batch, (long long)pairs);
    if (pairs < FEW_PAIRS)
        str_add(s, "optim: {epochs: 0, steps: %d, warmup: 5%s} # few pairs: steps are counted\n",
                FEW_STEPS, o->large ? large_rate : "");
    else if (o->large)
        str_add(s, "optim: {%s} # the paper's, for published weights\n", large_rate + 2);
    if (o->n_masks)
        str_add(s, "# Names of held-out masks, each so many steps; ");
    else
        str_add(s, "# Each so many steps ");
    str_add(s,
            "drawn scenes beside them show what is forgotten\n"
            "# of what the CLIP knew. A set of yours with masks that is not of this kind tells "
            "more:\n# probe: FILE.h5 (ovseg data prepare makes one); \"\": none\n");
    str_add(s, "validate: {%severy: %lld, probe: drawn}\n", o->n_masks ? "set: val, " : "",
            (long long)every_of(steps));
}

/* Of the recipe's files, which say it, too. */
static int64_t passes_of(const char *recipe, bool prompts) {
    static const int64_t passes[3][2] = {{6, 4}, {3, 2}, {2, 1}};
    int k = strcmp(recipe, "1k") == 0 ? 0 : strcmp(recipe, "10k") == 0 ? 1 : 2;
    return passes[k][prompts];
}

static void put_tuning(struct own_configs *c, const struct own *o) {
    char *finetune = mem_format("finetune-%s", own_recipe(o));
    char *mpt = mem_format("mpt-%s", own_recipe(o));
    struct str *s = new_file(c, "finetune.yaml");
    str_add(s, "# CLIP's image tower learns the pairs; its text tower stays as it is.\n");
    put_base(s, finetune);
    str_add(s, "inputs:\n  scenes: data.yaml\n");
    put_clip(s, o, "clip");
    str_add(s, "  pairs: mine.yaml\n");
    put_training(s, o, passes_of(own_recipe(o), false), ", lr: 5e-6, weight_decay: 0.2");
    s = new_file(c, "mpt.yaml");
    str_add(s,
            "# Mask prompts on the fine-tuned CLIP, then the table. This is the one to run:\n"
            "#     ovseg-train %s/mpt.yaml\n",
            o->dir);
    put_base(s, mpt);
    str_add(s, "inputs:\n  scenes: data.yaml\n  clip: finetune.yaml\n  pairs: mine.yaml\n");
    if (o->layers && o->layers < 3)
        str_add(s, "prompt: {depth: %lld} # the image tower has no more blocks\n",
                (long long)o->layers);
    put_training(s, o, passes_of(own_recipe(o), true), ", lr: 2e-2, weight_decay: 0");
    str_add(s, "then: eval.yaml\n");
    free(finetune);
    free(mpt);
}

/* Without masks nothing can judge the user's own pictures: what was known before is looked at. */
static void put_eval(struct own_configs *c, const struct own *o) {
    struct str *s = new_file(c, "eval.yaml");
    if (o->n_masks)
        str_add(
            s, "# On the masks that are held out: the CLIP as it was, fine-tuned, with prompts.\n");
    else
        str_add(
            s,
            "# There are no masks of your pictures to judge by. These drawn scenes show what\n"
            "# was lost of what the CLIP knew before. Masks of twenty pictures would tell more:\n"
            "# draw them, and call ovseg init again with --masks and --names.\n");
    put_base(s, "eval");
    str_add(s, "inputs:\n");
    if (o->n_masks)
        str_add(s, "  scenes: data.yaml\n");
    else
        put_path(s, "  scenes: ", "@scenes.yaml");
    put_proposals(s, o);
    put_clip(s, o, "raw");
    str_add(s, "  ft: finetune.yaml\n  ft+mpt: mpt.yaml\n");
    str_add(s, "eval: {set: %s", o->n_masks && !o->held_masks[1] ? "val" : "test");
    if (!o->large)
        str_add(s, ", min_area: %lld%s", (long long)(o->n_masks ? least_area(o, 340) : 12),
                own_trains_masks(o) ? ", mask_threshold: 0.3" : "");
    str_add(s, "}\n");
}

/* Without masks: the nouns that captions have most, to begin with. */
static void put_names(struct own_configs *c, const struct own *o) {
    struct str *s = new_file(c, "names.yaml");
    if (o->names.n) {
        vocabulary_print(
            &o->names,
            "# The classes, and what stands for them in the masks. Synonyms and own "
            "prompts may be added:\n# synonyms: [..], prompts: [\"a photo of a {}.\"]\n",
            s);
        return;
    }
    struct vocabulary v;
    vocabulary_of(&v, o->common.at, o->common.n);
    vocabulary_print(&v,
                     "# The most frequent nouns of the captions, to begin with: take out what you "
                     "do not look for.\n# ovseg segment --classes takes this file.\n",
                     s);
    vocabulary_close(&v);
}

/* A path of the folder, for a command line. */
static void put_word(struct str *s, const struct own *o, const char *file) {
    char *path = file ? path_join(o->dir, file) : mem_format("%s.ovseg", o->dir);
    char *word = shell_word(path);
    str_add(s, "%s", word);
    free(word);
    free(path);
}

static void put_readme(struct own_configs *c, const struct own *o) {
    static const char *const about[][2] = {
        {"data.yaml", "where the pictures, captions and masks are"},
        {"names.yaml", "the vocabulary"},
        {"masks.yaml", "trains the network that proposes masks"},
        {"mine.yaml", "makes pairs of masks and nouns"},
        {"finetune.yaml", "trains CLIP's image tower on them"},
        {"mpt.yaml", "trains mask prompts on that; runs all the others"},
        {"eval.yaml", "the table that closes it"},
        {"split/", "who trains, who is held out"}};
    static const char *const lines[][4] = {
        {"ovseg-train ", "mpt.yaml", "", "trains; ends with a table, and goes on where it stopped"},
        {"ovseg report ", "mpt.yaml", "",
         "report/report.html: what was gained, what was forgotten"},
        {"ovseg eval ", "mpt.yaml", " --blend", "models between the CLIP as it was and as it is"},
        {"ovseg export ", "mpt.yaml", " -o ", "all that segmenting needs, in one folder"},
        {"ovseg segment -m ", NULL, " -o out --classes ", "names.yaml"}};
    struct str *s = new_file(c, "README.md");
    str_add(s, "# Written by `ovseg init`\n\n| file | what it is |\n|---|---|\n");
    for (size_t i = 0; i < sizeof about / sizeof *about; i++)
        if (i != 2 || own_trains_masks(o)) str_add(s, "| `%s` | %s |\n", about[i][0], about[i][1]);
    str_add(s, "\nFrom the folder where it was called:\n\n");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const char *const *x = lines[i];
        bool last = !x[1];
        str_add(s, "    %s", x[0]);
        if (last || *x[1]) put_word(s, o, x[1]);
        str_add(s, "%s", x[2]);
        if (last) put_word(s, o, x[3]);
        if (i == 3) put_word(s, o, NULL);
        str_add(s, last ? " PICTURE...\n" : "    # %s\n", x[3]);
    }
    struct str few = {0};
    if (own_few_held(o, &few)) str_add(s, "\nHow much to believe: %s.\n", few.at);
    str_free(&few);
    str_add(s,
            "\nThe files are to be changed as you like; `ovseg settings KEY` explains a setting, "
            "docs/own-data.md all of it.\n");
}

static void put_lists(struct own_configs *c, const struct own *o) {
    static const char *const names[] = {"split/train.txt", "split/val.txt", "split/test.txt"};
    for (int k = 0; k < 3; k++) {
        if (!o->list[k].n) continue;
        struct str *s = new_file(c, names[k]);
        for (size_t i = 0; i < o->list[k].n; i++) str_add(s, "%s\n", o->list[k].at[i]);
    }
    if (!o->left_out.n) return;
    str_add(new_file(c, "split/left-out.txt"),
            "# Held out, and not there or damaged now: when they come back they are held out "
            "again.\n%s",
            o->left_out.at);
}

void own_configs_make(struct own_configs *c, const struct own *o) {
    put_data(c, o);
    put_names(c, o);
    put_lists(c, o);
    put_proposals_config(c, o);
    put_mine(c, o);
    put_tuning(c, o);
    put_eval(c, o);
    put_readme(c, o);
}

void own_configs_free(struct own_configs *c) {
    for (size_t i = 0; i < c->n; i++) {
        free(c->at[i].name);
        str_free(&c->at[i].text);
    }
    free(c->at);
    *c = (struct own_configs){0};
}
