#include "checkpoints/misfits.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"

enum { SHOWN_BYTES = 4000 }; /* of each list: three of them fit into a message */

void misfit_add(struct misfit_list *l, const char *text) {
    bool room = l->n < MISFITS_SHOWN && l->text.n + strlen(text) < SHOWN_BYTES;
    l->n++;
    if (room && !l->hidden) {
        str_add(&l->text, "%s%s", l->n > 1 ? ", " : "", text);
    } else {
        str_add(&l->rest, "%s\n", text);
        l->hidden++;
    }
}

void misfit_list_close(struct misfit_list *l, const char *what, const char *word, struct str *to) {
    str_add(to, "%zu %s: %s", l->n, word, l->text.at ? l->text.at : "");
    if (l->hidden)
        str_add(to, " and %zu more (ovseg convert -v, or train -v, lists all)", l->hidden);
    for (char *line = l->rest.at, *end; line && (end = strchr(line, '\n')); line = end + 1)
        log_debug("%s: %s: %.*s", what, word, (int)(end - line), line);
    str_free(&l->text);
    str_free(&l->rest);
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
        if (!parts[i].list->n) continue;
        str_add(&text, "; ");
        misfit_list_close(parts[i].list, what, parts[i].word, &text);
    }
    if (text.n) error_set(ERR_CONFIG, "%s: does not fit the model%s", what, text.at);
    str_free(&text);
    return error_status();
}
