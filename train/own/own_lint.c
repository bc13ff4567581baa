/* The names, before anything is trained on them: what the text tower cannot read, what is odd, and
 * whether any mask would train. */
#include <stdlib.h>

#include "base/file.h"
#include "train/own/own.h"
#include "train/vocab/vocab_lint.h"

static const char *names_file(const struct own *o) {
    return o->names_path ? o->names_path : o->masks_path; /* COCO's categories */
}

/* What may be meant is noted a few times. */
static void tell(struct own *o, const struct vocab_lint *l) {
    enum { SHOWN = 5 };
    size_t odd = 0;
    for (size_t i = 0; i < l->n; i++) {
        const struct vocab_odd *x = &l->at[i];
        char *place =
            x->line ? mem_format("%s:%zu", names_file(o), x->line) : mem_strdup(names_file(o));
        if (x->error)
            own_problem(o, OWN_NAMES, "%s: %s", place, x->text);
        else if (odd++ < SHOWN)
            own_note(o, "%s: %s", place, x->text);
        free(place);
    }
    if (odd > SHOWN)
        own_note(o, "%s: and %zu more names that look odd: ovseg vocab %s/names.yaml",
                 names_file(o), odd - SHOWN, o->dir);
}

size_t own_names_gap(const struct own *o) {
    if (!o->names_path || path_is_yaml(o->names_path) || o->masks != OWN_INDEX_PNG) return 0;
    for (size_t k = 1; k < o->names.n; k++)
        if (o->names.at[k].line > o->names.at[k - 1].line + 1 &&
            o->names.at[k].raw == o->names.at[k - 1].raw + 1) /* not as a table says it */
            return o->names.at[k].line - 1;
    return 0;
}

static void tell_gap(struct own *o) {
    size_t gap = own_names_gap(o), k = 0;
    while (gap && o->names.at[k].line < gap) k++;
    if (gap)
        own_note(o, "%s:%zu: names no class, it is empty or a comment: \"%s\" is value %d",
                 names_file(o), gap, o->names.at[k].name, (int)o->names.at[k].raw);
}

/* Masks of unseen classes are for the table alone. */
static void check_seen(struct own *o) {
    size_t seen = 0;
    for (size_t k = 0; k < o->names.n; k++) seen += o->class_in[k] && !o->names.at[k].unseen;
    if (!seen)
        own_problem(o, OWN_NAMES,
                    "%s: all names that occur in masks are unseen, no mask would train: take "
                    "split: unseen away from some of them",
                    names_file(o));
}

int own_lint(struct own *o) {
    struct vocab_lint l = {0};
    if (!o->names.n) return 0; /* none, or they were told what is wrong */
    int status = vocab_lint_plain(&l, &o->names, o->context);
    vocab_lint_sort(&l);
    if (!status) tell(o, &l);
    if (!status) tell_gap(o);
    if (!status && o->n_masks) check_seen(o);
    vocab_lint_free(&l);
    return status;
}
