#include "checkpoints/misfits.h"

#include "base/error.h"

void misfit_add(struct misfit_list *l, const char *text) {
    str_add(&l->text, "%s%s", l->n++ ? ", " : "", text);
}

int misfits_close(struct misfits *m, const char *what) {
    const struct {
        struct misfit_list *list;
        const char *word;
    } parts[] = {
        {&m->missing, "missing"}, {&m->unexpected, "unexpected"}, {&m->form, "of another form"}};
    struct str text = {0};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct misfit_list *l = parts[i].list;
        if (l->n) str_add(&text, "; %zu %s: %s", l->n, parts[i].word, l->text.at);
        str_free(&l->text);
    }
    if (text.n) error_set(ERR_CONFIG, "%s: does not fit the model%s", what, text.at);
    str_free(&text);
    return error_status();
}
