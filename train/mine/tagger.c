#include "train/mine/tagger.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "checkpoints/pickle.h"
#include "data/perceptron_file.h"

enum { PICKLE_MARK = 0x80 }; /* the first byte since protocol 2, which is as old as NLTK */

/* A string of the pickle; NULL for what is none. */
static const struct pickle_value *text_of(const struct pickle *p, uint32_t id) {
    const struct pickle_value *v = &p->at[id];
    return v->kind == PICKLE_STRING ? v : NULL;
}

static int wrong(const char *what) {
    return error_set(ERR_DATA, "%s; NLTK's is (weights, tagdict, classes)", what);
}

static int take_weights(struct perceptron *t, const struct pickle *p,
                        const struct pickle_value *v) {
    for (uint64_t i = 0; i + 1 < v->n; i += 2) {
        const struct pickle_value *feature = text_of(p, v->item[i]), *of = &p->at[v->item[i + 1]];
        if (!feature || of->kind != PICKLE_DICT) return wrong("weights that are no dict of dicts");
        int status = perceptron_feature(t, feature->text, feature->n);
        for (uint64_t k = 0; !status && k + 1 < of->n; k += 2) {
            const struct pickle_value *tag = text_of(p, of->item[k]), *x = &p->at[of->item[k + 1]];
            if (!tag || (x->kind != PICKLE_REAL && x->kind != PICKLE_INT))
                return wrong("a weight that is no number");
            status = perceptron_weight(t, tag->text, tag->n,
                                       x->kind == PICKLE_REAL ? x->real : (double)x->i);
        }
        if (status) return status;
    }
    return 0;
}

static int take_words(struct perceptron *t, const struct pickle *p, const struct pickle_value *v) {
    for (uint64_t i = 0; i + 1 < v->n; i += 2) {
        const struct pickle_value *word = text_of(p, v->item[i]), *tag = text_of(p, v->item[i + 1]);
        if (!word || !tag) return wrong("a tagdict of something else than words and tags");
        int status = perceptron_word(t, word->text, word->n, tag->text, tag->n);
        if (status) return status;
    }
    return 0;
}

static int take_classes(struct perceptron *t, const struct pickle *p,
                        const struct pickle_value *v) {
    for (uint64_t i = 0; i < v->n; i++) {
        const struct pickle_value *name = text_of(p, v->item[i]);
        if (!name) return wrong("a class that is no text");
        int status = perceptron_class(t, name->text, name->n);
        if (status) return status;
    }
    return 0;
}

static int take_tagger(struct perceptron *t, const struct pickle *p) {
    const struct pickle_value *top = &p->at[p->root];
    if ((top->kind != PICKLE_TUPLE && top->kind != PICKLE_LIST) || top->n != 3)
        return wrong("not three things");
    const struct pickle_value *weights = &p->at[top->item[0]], *words = &p->at[top->item[1]],
                              *classes = &p->at[top->item[2]];
    if (weights->kind != PICKLE_DICT || words->kind != PICKLE_DICT ||
        (classes->kind != PICKLE_LIST && classes->kind != PICKLE_TUPLE))
        return wrong("other things than two dicts and a set");
    int status = take_weights(t, p, weights);
    if (!status) status = take_words(t, p, words);
    if (!status) status = take_classes(t, p, classes);
    return status ? status : perceptron_finish(t);
}

static int read_pickle(struct perceptron *t, const struct input *in) {
    struct pickle p;
    int status = pickle_read(&p, in, 0, in->size, in->path);
    if (status) return status;
    if (take_tagger(t, &p)) status = error_context("%s", in->path);
    pickle_free(&p);
    return status;
}

int tagger_read(struct perceptron *p, const char *path) {
    *p = (struct perceptron){0};
    struct input in = {0};
    uint8_t first = 0;
    if (dir_exists(path)) return perceptron_read(p, path);
    int status = input_open(&in, path);
    if (!status && in.size) status = input_read(&in, 0, &first, 1);
    bool is_pickle = first == PICKLE_MARK;
    if (!status && is_pickle) status = read_pickle(p, &in);
    input_close(&in);
    return status || is_pickle ? status : perceptron_read(p, path);
}
