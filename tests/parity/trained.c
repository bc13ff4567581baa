#include "tests/parity/trained.h"

#include <math.h>
#include <stdlib.h>

#include "tests/parity/golden_config.h"

static const char *const words[] = {"gradient", "value"}; /* enum trained_what */

static tensor *of(enum trained_what what, const struct param *q) {
    if (!q || !q->trainable) return NULL;
    return what == TRAINED_GRADIENT ? t_grad(q->t) : t_detach(q->t);
}

static bool same_shape(tensor *x, const cJSON *row) {
    const cJSON *shape = golden_item(row, "shape");
    bool same = t_dim(x) == cJSON_GetArraySize(shape);
    for (int i = 0; same && i < t_dim(x); i++)
        same = (double)t_size(x, i) == golden_number(cJSON_GetArrayItem(shape, i));
    return same;
}

struct measures {
    double sumsq, sum, element, element_bar;
};

static struct measures measure(const double *x, size_t n, const cJSON *row,
                               const struct trained_bar *bar) {
    double sum = 0, sumsq = 0, want = golden_number(golden_item(row, "sumsq"));
    for (size_t i = 0; i < n; i++) sum += x[i], sumsq += x[i] * x[i];
    double size = want + bar->noise * bar->noise * (double)n, rms = sqrt(size / (double)n);
    if (!(size > 0)) size = 1; /* zeros: the differences themselves */
    struct measures m = {.sumsq = fabs(sumsq - want) / size, .element_bar = bar->element};
    m.sum = fabs(sum - golden_number(golden_item(row, "sum"))) / sqrt(size * (double)n);
    m.element_bar += bar->rms * rms;
    const cJSON *first = golden_item(row, "first8");
    for (int i = 0; i < cJSON_GetArraySize(first); i++) {
        double d = (size_t)i < n ? fabs(x[i] - golden_number(cJSON_GetArrayItem(first, i)))
                                 : (double)INFINITY;
        if (!(d <= m.element)) m.element = d;
    }
    return m;
}

static void compare(struct verdicts *r, enum trained_what what, const struct params *p,
                    const cJSON *row, const struct trained_bar *bar) {
    tensor *t = of(what, params_find(p, row->string));
    if (!t || !same_shape(t, row)) {
        str_add(&r->text, "%s of %s: %s  %s\n", words[what], row->string,
                t ? "another shape" : "there is none", verdicts_word(r, false));
        return;
    }
    size_t n = (size_t)t_numel(t);
    double *x = mem_alloc(n + 1, sizeof *x);
    bool read = !t_copy_out(t_cast(t, T_F64), x, n * sizeof *x);
    struct measures m = measure(x, n, row, bar);
    free(x);
    bool ok =
        read && m.sumsq <= bar->sumsq && m.sum <= 10 * bar->sumsq && m.element <= m.element_bar;
    str_add(&r->text, "%-8s %-72s squares %8.2g of %.2g; sum %8.2g; elements %8.2g of %.2g  %s\n",
            words[what], row->string, m.sumsq, bar->sumsq, m.sum, m.element, m.element_bar,
            verdicts_word(r, ok));
}

void trained_compare(struct verdicts *r, enum trained_what what, const struct params *p,
                     const cJSON *want, const struct trained_bar *bar) {
    int scope = t_scope_open("compare", T_NO_GRAD);
    const cJSON *row;
    cJSON_ArrayForEach(row, want) compare(r, what, p, row, bar);
    for (size_t i = 0; i < p->n; i++)
        if (of(what, &p->at[i]) && !golden_item(want, p->at[i].name))
            str_add(&r->text, "%s of %s: the golden has none  %s\n", words[what], p->at[i].name,
                    verdicts_word(r, false));
    t_scope_close(scope, NULL);
}
