#include "train/clip_blend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/figure.h"
#include "base/file.h"
#include "base/json.h"
#include "base/progress.h"
#include "checkpoints/misfits.h"
#include "train/signals.h"
#include "train/signs.h"

const char blend_file[] = "blend.json";

/* The two ends, and what lies between them at the moment. */
struct line {
    struct clip_run from, to, at;
};

static void line_close(struct line *l) {
    clip_run_free(&l->from);
    clip_run_free(&l->to);
    clip_run_free(&l->at);
}

/* What one of them has alone may be prompts, which are taken whole, as by export_blend(). */
static bool is_prompts(const char *name) {
    return strcmp(name, "visual.mask_embedding") == 0 ||
           strcmp(name, "visual.prompt_embedding") == 0;
}

static int check_forms(const struct line *l, const char *what) {
    struct misfits m = {0};
    const struct params *from = &l->from.params, *to = &l->to.params;
    for (size_t i = 0; i < from->n; i++) {
        const struct param *p = params_find(to, from->at[i].name);
        if (!p && !is_prompts(from->at[i].name)) misfit_add(&m.missing, from->at[i].name);
        if (!p) continue;
        struct shape is = t_shape(p->t), wanted = t_shape(from->at[i].t);
        if (!st_shape_same(is, wanted)) misfit_form(&m, p->name, is, wanted);
    }
    for (size_t i = 0; i < to->n; i++)
        if (!params_find(from, to->at[i].name) && !is_prompts(to->at[i].name))
            misfit_add(&m.unexpected, to->at[i].name);
    return misfits_close(&m, what);
}

/* The one between has the prompts of whichever has some. */
static int line_open(struct line *l, const struct node *n, const struct node_input *from,
                     const struct node_input *to) {
    *l = (struct line){0};
    bool prompts = clip_run_prompts(to->node) || !clip_run_prompts(from->node);
    int status = clip_run_open_from(&l->from, n, from, NULL);
    if (!status) status = clip_run_open_from(&l->to, n, to, NULL);
    if (!status) status = clip_run_open_from(&l->at, n, prompts ? to : from, NULL);
    return status ? status : check_forms(l, path_base(to->node->dir));
}

static int move_to(struct line *l, double alpha) {
    int scope = t_scope_open("blend", T_NO_GRAD);
    for (size_t i = 0; i < l->at.params.n; i++) {
        struct param *p = &l->at.params.at[i];
        const struct param *a = params_find(&l->from.params, p->name);
        const struct param *b = params_find(&l->to.params, p->name);
        if (a && b && t_dtype(p->t) == T_F32)
            t_copy_(p->t, t_add(t_scale(a->t, 1 - alpha), t_scale(b->t, alpha)));
    }
    t_scope_close(scope, NULL);
    return error_status();
}

static int measure(struct line *l, const struct clip_validation *v, const struct node *n,
                   struct blend_point *p) {
    struct metrics_row row = {0};
    int status = move_to(l, p->alpha);
    if (!status) status = clip_validation_run(v, n, &l->at, &row);
    p->set = metrics_value(&row, "mask_accuracy");
    p->seen = metrics_value(&row, "mask_accuracy_seen");
    p->unseen = metrics_value(&row, "mask_accuracy_unseen");
    p->probe = metrics_value(&row, "probe_accuracy");
    if (!status && signals_pending()) status = signals_error("nothing of it was kept");
    return status;
}

int blend_curve_of(struct blend_curve *b, const struct node *n, const struct node_input *from,
                   const struct node_input *to) {
    struct line l;
    struct clip_validation v = {0};
    struct progress bar;
    const struct train_options *o = &n->config.train;
    *b = (struct blend_curve){.from = path_base(from->node->dir),
                              .to = path_base(to->node->dir),
                              .set = o->validate_set,
                              .probe = o->validate_probe};
    bool first = clip_run_prompts(from->node), last = clip_run_prompts(to->node);
    if (first != last) b->prompts = first ? b->from : b->to;
    int status = line_open(&l, n, from, to);
    if (!status) status = clip_validation_open(&v, n, &l.at, false);
    progress_open(&bar, "blend", "points", 0, BLEND_STEPS + 1, 30);
    for (int k = 0; !status && k <= BLEND_STEPS; k++) {
        b->at[k].alpha = (double)k / BLEND_STEPS;
        status = measure(&l, &v, n, &b->at[k]);
        progress_at(&bar, k + 1, NULL);
    }
    progress_close(&bar);
    clip_validation_free(&v);
    line_close(&l);
    return status;
}

/* ---- what is told ---- */

int blend_curve_write(const struct blend_curve *b, const char *dir) {
    struct str text = {0};
    struct json_out j = {.to = &text};
    char *path = path_join(dir, blend_file);
    json_object(&j);
    json_key_string(&j, "format", "ovseg blend");
    json_key_int(&j, "version", 1);
    json_key_string(&j, "tool", OVSEG_VERSION);
    json_key_string(&j, "from", b->from);
    json_key_string(&j, "to", b->to);
    json_key_string(&j, "set", b->set);
    json_key_string(&j, "probe", b->probe);
    json_key_string(&j, "prompts", b->prompts);
    json_key(&j, "points");
    json_array(&j);
    for (int k = 0; k <= BLEND_STEPS; k++) {
        json_object(&j);
        json_key_real(&j, "alpha", b->at[k].alpha);
        json_key_real(&j, "mask_accuracy", b->at[k].set);
        json_key_real(&j, "mask_accuracy_seen", b->at[k].seen);
        json_key_real(&j, "mask_accuracy_unseen", b->at[k].unseen);
        json_key_real(&j, "probe_accuracy", b->at[k].probe);
        json_end(&j);
    }
    json_end(&j);
    json_end(&j);
    str_add(&text, "\n");
    int status = file_write(path, text.at, text.n);
    str_free(&text);
    free(path);
    return status;
}

const struct blend_point *blend_best(const struct blend_curve *b) {
    const struct blend_point *best = &b->at[0];
    for (int k = 1; k <= BLEND_STEPS; k++)
        if (b->at[k].set > best->set && !(b->at[0].probe - b->at[k].probe > SIGN_PROBE_LOSS))
            best = &b->at[k];
    return best;
}

static void put_figure(FILE *to, double x) { fprintf(to, " %9s", figure_text(x, 1).at); }

void blend_curve_print(const struct blend_curve *b, FILE *to) {
    fprintf(to, "\nfrom %s (alpha 0) to %s (alpha 1)\n", b->from, b->to);
    if (b->prompts) fprintf(to, "with the mask prompts of %s, all of them\n", b->prompts);
    fprintf(to, "\n");
    fprintf(to, "%5s %29s %9s\n", "", "mask accuracy, validation", "probe");
    fprintf(to, "%5s %9s %9s %9s %9s\n", "alpha", "all", "seen", "unseen", "all");
    for (int k = 0; k <= BLEND_STEPS; k++) {
        const struct blend_point *p = &b->at[k];
        fprintf(to, "%5.1f", p->alpha);
        put_figure(to, p->set);
        put_figure(to, p->seen);
        put_figure(to, p->unseen);
        put_figure(to, p->probe);
        fprintf(to, "\n");
    }
}
