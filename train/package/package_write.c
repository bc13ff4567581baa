#include "train/package/package_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/settings_value.h"
#include "checkpoints/import.h"
#include "checkpoints/sealed.h"
#include "data/set_index.h"
#include "data/tokenizer.h"
#include "train/package/card.h"
#include "train/package/package.h"
#include "train/run/run_look.h"
#include "train/segmenter.h"

enum { TOKENIZER_MAX = 4 << 20 }; /* bytes */

/* What is written, while it is. */
struct packing {
    const struct package_request *r;
    struct segmenter s;
    struct dir_out dir;
    struct manifest files;
    struct card card;
};

/* ---- settings ---- */

/* What an evaluation counts and where it writes, not how it segments. */
static bool is_left_out(const char *key) {
    static const char *const others[] = {"eval.set", "eval.images", "eval.overlays", "text.keep"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(key, others[i]) == 0) return true;
    return false;
}

static void describe(struct settings_table table, const struct config *c, struct str *out) {
    for (size_t k = 0; k < table.n; k++)
        for (size_t i = 0; i < table.at[k].n; i++) {
            const struct setting_group *g = &table.at[k];
            const struct setting *row = &g->rows[i];
            char key[SETTING_MAX_KEY];
            setting_key(g, row, key);
            if (is_left_out(key)) continue;
            str_add(out, "%s: ", key);
            setting_format(row, (const char *)c + g->offset + row->offset, out);
            str_add(out, "\n");
        }
}

static int put_settings(struct packing *p, int part, const struct config *c, const char *about) {
    struct str text = {0};
    const char *name = part == PACKAGE_PARTS ? PACKAGE_SETTINGS : package_parts[part].settings;
    str_add(&text, "# %s\n", about);
    describe(package_table(part), c, &text);
    int status = sealed_put(p->dir.tmp, name, text.at, text.n, &p->files);
    str_free(&text);
    return status;
}

/* ---- weights ---- */

/* What its tensors do not tell, for `ovseg convert`; nothing of a network. */
static void put_facts(const struct node *clip, struct str *facts) {
    struct clip_options o = clip_model(&node_clip(clip)->config.clip, NULL);
    struct import_facts f = {.activation = (int)o.text.activation,
                             .image_heads = o.resnet.width ? 0 : o.image.heads,
                             .text_heads = o.text.heads};
    import_facts_usual_pixels(&f);
    import_facts_format(&f, facts);
}

static int put_weights(struct packing *p, int part, const struct node *clip,
                       const struct params *weights) {
    struct str facts = {0};
    if (clip) put_facts(clip, &facts);
    const char *const meta[][2] = {{"format", "ovseg-package"},
                                   {"version", "1"},
                                   {"tool", OVSEG_VERSION},
                                   {"part", package_parts[part].name},
                                   {"clip", facts.at}};
    size_t n = sizeof meta / sizeof *meta - !clip;
    int status =
        sealed_put_weights(p->dir.tmp, package_parts[part].weights, weights, meta, n, &p->files);
    str_free(&facts);
    return status;
}

/* The text tower of a CLIP: a view of its registry, of which `at` is to be freed. */
static struct params text_tower(const struct params *all) {
    struct params text = {.at = mem_alloc(all->n, sizeof *text.at)};
    for (size_t i = 0; i < all->n; i++)
        if (strncmp(all->at[i].name, "visual.", strlen("visual.")) != 0)
            text.at[text.n++] = all->at[i];
    return text;
}

/* To the bit. */
static bool same_tensor(tensor *a, tensor *b) {
    if (!st_shape_same(t_shape(a), t_shape(b)) || t_dtype(a) != t_dtype(b)) return false;
    size_t n = (size_t)t_numel(a) * st_dtype_size(t_dtype(a));
    struct bytes x = {0}, y = {0};
    int scope = t_scope_open("compare", T_NO_GRAD);
    bool same = !bytes_reserve(&x, n) && !bytes_reserve(&y, n) &&
                !t_copy_out(t_contiguous(a), x.at, n) && !t_copy_out(t_contiguous(b), y.at, n) &&
                memcmp(x.at, y.at, n) == 0;
    t_scope_close(scope, NULL);
    bytes_free(&x);
    bytes_free(&y);
    return same;
}

static bool same_params(const struct params *a, const struct params *b) {
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = strcmp(a->at[i].name, b->at[i].name) == 0 && same_tensor(a->at[i].t, b->at[i].t);
    return same;
}

/* The settings of the CLIP of a node, and its prompts. */
static struct config clip_config(const struct node *n) {
    const struct prompt_options *prompt = clip_run_prompts(n);
    struct config c = {.clip = node_clip(n)->config.clip};
    if (prompt) c.prompt = *prompt;
    return c;
}

/* Whether two CLIPs compute the same texts: their settings, but for prompts and image tower. */
static bool same_text_settings(const struct node *a, const struct node *b) {
    struct clip_options x = clip_model(&node_clip(a)->config.clip, NULL);
    struct clip_options y = clip_model(&node_clip(b)->config.clip, NULL);
    return x.text.vocab == y.text.vocab && x.text.context == y.text.context &&
           x.text.width == y.text.width && x.text.layers == y.text.layers &&
           x.text.heads == y.text.heads && x.text.activation == y.text.activation &&
           x.features == y.features;
}

/* The network's names are texts of the CLIP that it was trained with. Where that has another text
 * tower than the CLIP that names regions, to the bit, the tower comes along. */
static int put_text(struct packing *p, const struct node_input *clip,
                    const struct node_input *speaks) {
    struct clip_run other;
    if (speaks->node == clip->node && speaks->best == clip->best) return 0;
    int status = clip_run_open_from(&other, p->s.node, speaks, NULL);
    if (status) return status;
    struct params theirs = text_tower(&other.params), ours = text_tower(&p->s.namer.clip.params);
    if (!same_text_settings(clip->node, speaks->node) || !same_params(&theirs, &ours)) {
        struct config c = clip_config(speaks->node);
        c.prompt.depth = 0;
        status = put_settings(p, PACKAGE_TEXT, &c, "the text tower that the network speaks");
        if (!status) status = put_weights(p, PACKAGE_TEXT, speaks->node, &theirs);
    }
    free(theirs.at);
    free(ours.at);
    clip_run_free(&other);
    return status;
}

/* What the network's settings leave to other runs is written out. */
static int put_proposals(struct packing *p, const struct node *network) {
    struct config c = {.proposals = network->config.proposals,
                       .text = network->config.text,
                       .segment.crop = network->config.segment.crop};
    c.proposals.temperature = p->s.proposals.model.opt.temperature;
    if (!p->s.node->config.eval.shortest) c.segment.crop = p->s.size.shortest;
    int status = put_settings(p, PACKAGE_PROPOSALS, &c, "the proposal network");
    return status ? status : put_weights(p, PACKAGE_PROPOSALS, NULL, &p->s.proposals.params);
}

static int put_models(struct packing *p) {
    const struct node_input *clip = node_input(p->s.node, "clip");
    const struct node *network = node_from(p->s.node, "proposals");
    bool imported = network->config.run.stage == STAGE_IMPORT; /* has both */
    const struct node_input *speaks =
        imported ? node_input(p->s.node, "proposals") : node_input(network, "clip");
    struct config c = clip_config(clip->node);
    int status = put_settings(p, PACKAGE_PARTS, &p->s.node->config, "how pictures are segmented");
    if (!status) status = put_settings(p, PACKAGE_CLIP, &c, "the CLIP that names regions");
    if (!status) status = put_weights(p, PACKAGE_CLIP, clip->node, &p->s.namer.clip.params);
    if (!status) status = put_proposals(p, network);
    if (!status) status = put_text(p, clip, speaks);
    return status;
}

/* ---- tokenizer, names, card ---- */

static int put_tokenizer(struct packing *p) {
    const char *own = node_from(p->s.node, "clip")->vocabulary;
    char *path = own ? mem_strdup(own) : NULL;
    struct bytes file = {0};
    int status = path ? 0 : tokenizer_default_path(&path);
    if (!status) status = file_read(path, TOKENIZER_MAX, &file);
    if (!status) status = sealed_put(p->dir.tmp, PACKAGE_TOKENIZER, file.at, file.n, &p->files);
    bytes_free(&file);
    free(path);
    return status;
}

/* Names are known when the pictures are there that the network was trained or measured on. */
static int put_names(struct packing *p) {
    struct vocabulary v = {0};
    char *of = card_names(&p->s, &v);
    if (!of) return 0;
    struct str text = {0};
    char *comment = mem_format("# names of %s\n", of);
    vocabulary_print(&v, comment, &text);
    int status = sealed_put(p->dir.tmp, PACKAGE_NAMES, text.at, text.n, &p->files);
    str_free(&text);
    free(comment);
    free(of);
    vocabulary_close(&v);
    return status;
}

static int put_card(struct packing *p) {
    struct str json = {0}, text = {0};
    int status = card_gather(&p->card, &p->s, &p->r->licences);
    if (!status) card_format(&p->card, path_base(p->r->out), &json, &text);
    if (!status) status = sealed_put(p->dir.tmp, PACKAGE_CARD, json.at, json.n, &p->files);
    if (!status) status = sealed_put(p->dir.tmp, "CARD.md", text.at, text.n, &p->files);
    str_free(&json);
    str_free(&text);
    return status;
}

static int put_all(struct packing *p) {
    int status = dir_out_open(&p->dir, p->r->out);
    if (!status) status = put_models(p);
    if (!status) status = put_tokenizer(p);
    if (!status) status = put_names(p);
    if (!status) status = put_card(p);
    if (!status) status = error_status(); /* of a tensor op: what it left must not be kept */
    if (!status) status = sealed_close(p->dir.tmp, &p->files);
    return dir_out_close(&p->dir, status);
}

static int check(const struct packing *p) {
    if (p->s.given)
        return error_set(ERR_USAGE,
                         "--proposals %s: masks of others are of their pictures alone; a package "
                         "needs a proposal network",
                         p->r->model.proposals);
    if (p->s.node->config.run.precision != PRECISION_FP32)
        return error_set(ERR_CONFIG,
                         "precision: is no part of a package: say it when the package is used");
    return 0;
}

int package_write(const struct package_request *r, struct package_made *made) {
    struct packing *p = mem_alloc(1, sizeof *p);
    struct vocabulary v = {0};
    vocabulary_add(&v, "thing"); /* opening wants one; texts are made anew from a package */
    *made = (struct package_made){0};
    p->r = r;
    p->files.kind = MANIFEST_PACKAGE;
    int status = segmenter_open(&p->s, &r->model, &v);
    if (!status) status = check(p);
    if (!status) status = put_all(p);
    if (!status) strings_copy(&made->warnings, &p->card.warnings);
    if (!status) made->bytes = tree_bytes(r->out, NULL);
    card_free(&p->card);
    manifest_free(&p->files);
    segmenter_close(&p->s);
    vocabulary_close(&v);
    free(p);
    return status;
}

void package_made_free(struct package_made *m) {
    strings_free(&m->warnings);
    *m = (struct package_made){0};
}
