/* The names, before anything is trained on them: what the text tower cannot read, what is odd, and
 * whether any mask would train. */
#include <stdlib.h>

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
    if (!status && o->n_masks) check_seen(o);
    vocab_lint_free(&l);
    return status;
}
