#include "train/clip_blend_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/settings_path.h"
#include "train/clip_blend.h"
#include "train/cluster/slurm_text.h"
#include "train/device.h"
#include "train/signs.h"

/* The trained CLIP of the model, and the one that its chain began with: a copy, since the inputs of
 * the model's run may become more. */
static int find_ends(struct node *model, bool best, struct node_input *to,
                     struct node_input *first) {
    int status = model_clip(model, best, to);
    const struct node_input *next = status ? NULL : node_input(to->node, "clip");
    for (; next; next = next->node ? node_input(next->node, "clip") : NULL) *first = *next;
    if (status || first->node) return status;
    return error_set(
        ERR_CONFIG,
        "%s: no run of clip-finetune, mask-prompt or clip-joint: --blend wants one, or "
        "an evaluation of one",
        model->path);
}

/* The file of validate.probe, as of the command line, is an input. */
static int set_probe(struct node *n) {
    char *path;
    int status = settings_resolve(&n->doc, clip_probe_files[0], &path);
    if (!status && path) {
        n->input = mem_grow(n->input, &n->inputs_cap, n->n_inputs + 1, sizeof *n->input);
        memmove(n->input + 1, n->input, n->n_inputs++ * sizeof *n->input); /* found first */
        n->input[0] = (struct node_input){.name = mem_strdup(clip_probe_files[0]), .path = path};
    }
    return status;
}

static int check_overrides(const struct model_options *o) {
    static const char *const keys[] = {"validate.set", "validate.images", "validate.probe"};
    struct problems p = {0};
    for (size_t i = 0; i < o->n_overrides; i++) {
        const struct override *x = &o->overrides[i];
        size_t k = 0;
        while (k < 3 && (x->scope || strcmp(x->key, keys[k]) != 0)) k++;
        if (k == 3)
            problems_add(&p, "%s: with --blend only validate.set, .images and .probe may be given",
                         x->key);
    }
    return problems_close(&p, ERR_CONFIG);
}

/* validate.* of the command line over those of the run. */
static int override_validation(struct node *n, const struct model_options *o) {
    struct problems p = {0};
    bool probe = false;
    for (size_t i = 0; i < o->n_overrides; i++) {
        probe |= strcmp(o->overrides[i].key, clip_probe_files[0]) == 0;
        if (settings_override(&n->doc, &o->overrides[i])) problems_take_error(&p);
    }
    if (!p.n && o->n_overrides)
        settings_assign(&n->doc, config_used(n->config.run.stage), config_known(), o->command,
                        &n->config, &p);
    int status = problems_close(&p, ERR_CONFIG);
    bool file = probe && *n->config.train.validate_probe && !clip_probe_is_drawn(n);
    return !status && file ? set_probe(n) : status;
}

static void put(char **to, const char *value) {
    free(*to);
    *to = mem_strdup(value);
}

/* A run that had neither is measured all the same; on `val`, where that has masks. */
static int fill_in(struct node *n) {
    struct train_options *t = &n->config.train;
    if (!*t->validate_probe) put(&t->validate_probe, clip_probe_word);
    if (*t->validate_set || !node_input(n, "scenes")) return 0;
    char *val = node_input_path(n, "scenes", "val.h5");
    struct dataset d = {0};
    bool there = file_exists(val);
    int status = there ? clip_open_set(n, "val", &d) : 0;
    if (there && !status) {
        if (clip_judges(&d)) put(&t->validate_set, "val");
        dataset_close(&d);
    }
    free(val);
    return status;
}

/* For a command line: published weights have no run yet. */
static char *word_of(const struct node_input *in) {
    bool weights = in->node->config.run.stage == STAGE_IMPORT && !in->node->done;
    char *text =
        mem_format("%s%s", weights ? in->node->path : in->node->dir, in->best ? "@best" : "");
    char *word = shell_word(text);
    free(text);
    return word;
}

static void print_convert(double alpha, const struct node_input *from,
                          const struct node_input *to) {
    char *a = word_of(from), *b = word_of(to);
    printf("  ovseg convert --blend --alpha=%.1f %s %s blend.safetensors\n", alpha, a, b);
    free(a);
    free(b);
}

static void print(const struct blend_curve *b, const struct node_input *from,
                  const struct node_input *to) {
    const struct blend_point *best = blend_best(b);
    blend_curve_print(b, stdout);
    if (!isnan(best->set)) /* there is a validation */
        printf("\nbest validation that keeps the probe within %d points of alpha 0: alpha %.1f%s\n",
               SIGN_PROBE_LOSS, best->alpha, best->alpha > 0 ? "" : ", what it began with");
    if (best->alpha > 0 && best->alpha < 1) print_convert(best->alpha, from, to);
}

static int measure(struct node *n, const struct node_input *from, const struct node_input *to) {
    struct blend_curve b;
    int status = device_open(n);
    if (!status) status = clip_probe_check(n);
    if (status) return status;
    int scope = t_scope_open("", T_PRECISION(n->config.run.precision));
    status = blend_curve_of(&b, n, from, to);
    t_scope_close(scope, NULL);
    if (!status) print(&b, from, to); /* first: a folder may be of others, or full */
    if (!status) status = blend_curve_write(&b, to->node->dir);
    if (!status) printf("\nwritten: %s/%s\n", to->node->dir, blend_file);
    if (!status && fflush(stdout)) status = error_set(ERR_IO, "stdout: cannot write");
    return status;
}

int blend_curve_run(const struct model_options *o, const char *other) {
    struct model_options plain = *o; /* the overrides are of the validation */
    struct node_input to = {0}, from = {0};
    struct graph g = {0};
    bool best;
    plain.n_overrides = 0;
    int status = check_overrides(o);
    if (status) return status;
    struct node *model = model_node(&g, o->name, &plain, &best);
    status = model ? find_ends(model, best, &to, &from) : error_status();
    if (!status && other) {
        struct node *second = model_node(&g, other, &plain, &best);
        status = second ? model_clip(second, best, &from) : error_status();
    }
    struct node *trained = status ? NULL : to.node;
    if (trained) status = override_validation(trained, o);
    if (trained && !status) status = fill_in(trained);
    if (trained && !status) status = measure(trained, &from, &to);
    graph_close(&g);
    return status;
}
