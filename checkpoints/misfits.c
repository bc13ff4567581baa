#include "checkpoints/misfits.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { SHOWN_BYTES = 4000 }; /* of each list: three of them fit into a message */

void misfit_add(struct misfit_list *l, const char *text) {
    bool room = l->text.n + strlen(text) < SHOWN_BYTES;
    if (room) str_add(&l->text, "%s%s", l->n ? ", " : "", text);
    l->hidden += !room;
    l->n++;
}

void misfit_form(struct misfits *m, const char *name, struct shape is, struct shape wanted) {
    char here[192], there[192];
    st_shape_text(is, here, sizeof here);
    st_shape_text(wanted, there, sizeof there);
    char *text = mem_format("%s is %s, expected %s", name, here, there);
    misfit_add(&m->form, text);
    free(text);
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
        if (l->hidden) str_add(&text, " and %zu more", l->hidden);
        str_free(&l->text);
    }
    if (text.n) error_set(ERR_CONFIG, "%s: does not fit the model%s", what, text.at);
    str_free(&text);
    return error_status();
}
