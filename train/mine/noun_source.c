#include "train/mine/noun_source.h"

#include "base/error.h"
#include "train/mine/tagger.h"

static bool is_set(const char *path) { return path && *path; }

const char *noun_settings_problem(const struct noun_settings *o, const char **what) {
    bool perceptron = o->backend == NOUNS_PERCEPTRON, tags = o->backend == NOUNS_TAGS;
    const char *key = NULL;
    if (perceptron != is_set(o->weights)) {
        key = "weights";
        *what = perceptron
                    ? "the perceptron needs weights: NLTK's averaged_perceptron_tagger, which "
                      "nltk.download fetches"
                    : "weights are for the backend perceptron";
    } else if (tags != is_set(o->tags)) {
        key = "tags";
        *what = tags ? "the backend tags needs a file of them"
                     : "a file of tags is for the backend "
                       "tags";
    }
    return key;
}

int noun_source_open(struct noun_source *s, const struct noun_settings *o) {
    *s = (struct noun_source){.options = {.backend = (enum nouns_backend)o->backend,
                                          .phrases = is_set(o->phrases) ? o->phrases : NULL,
                                          .stop_list = is_set(o->stop_list) ? o->stop_list : NULL,
                                          .compounds = o->compounds,
                                          .lemmatize = o->lemmatize,
                                          .fold_plurals = o->fold_plurals,
                                          .keep_case = o->keep_case}};
    const char *what, *key = noun_settings_problem(o, &what);
    if (key) return error_set(ERR_CONFIG, "nouns.%s: %s", key, what);
    int status = is_set(o->weights) ? tagger_read(&s->tagger, o->weights) : 0;
    if (!status && is_set(o->tags)) status = noun_tags_read(&s->tags, o->tags);
    s->options.tagger = &s->tagger;
    s->options.tags = &s->tags;
    return status;
}

void noun_source_close(struct noun_source *s) {
    perceptron_close(&s->tagger);
    noun_tags_free(&s->tags);
}
