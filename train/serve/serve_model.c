#include "train/serve/serve_model.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "train/package/package.h"
#include "train/serve/serve_answer.h"

/* ---- names ---- */

static int open_names(struct serve_model *m, const char *model, const char *classes) {
    char *own = package_is(model) ? path_join(model, PACKAGE_NAMES) : NULL;
    int status = 0;
    if (classes)
        status = vocabulary_open(&m->start, classes);
    else if (own && file_exists(own))
        status = vocabulary_read(&m->start, own);
    m->named = m->start.n > 0;
    if (!status && !m->named) vocabulary_add(&m->start, "thing"); /* to open the model with */
    free(own);
    return status;
}

static char *key_of(const struct vocabulary *v) {
    struct str text = {0};
    vocabulary_print(v, "", &text);
    return text.at;
}

static void list_free(struct serve_list *l) {
    free(l->key);
    vocabulary_close(&l->names);
    segmenter_texts_free(&l->texts);
    *l = (struct serve_list){0};
}

/* The model is left without any names; those it had are kept. */
static void put_away(struct serve_model *m) {
    if (m->in_use) segmenter_exchange(&m->segmenter, &m->in_use->texts);
    m->in_use = NULL;
}

static void use(struct serve_model *m, struct serve_list *l) {
    segmenter_exchange(&m->segmenter, &l->texts);
    m->in_use = l;
}

/* One that is free, or was not used for longest. */
static struct serve_list *oldest(struct serve_model *m) {
    struct serve_list *l = &m->list[0];
    for (size_t i = 1; l->key && i < SERVE_LISTS; i++)
        if (!m->list[i].key || m->list[i].used < l->used) l = &m->list[i];
    list_free(l);
    return l;
}

static struct serve_list *find(struct serve_model *m, const char *key) {
    for (size_t i = 0; i < SERVE_LISTS; i++)
        if (m->list[i].key && strcmp(m->list[i].key, key) == 0) return &m->list[i];
    return NULL;
}

/* What was just computed is in the model. Takes over key and names. */
static struct serve_list *keep(struct serve_model *m, char *key, struct vocabulary *v) {
    struct serve_list *l = oldest(m);
    l->key = key;
    l->names = *v;
    *v = (struct vocabulary){0};
    m->in_use = l;
    return l;
}

/* The model works with these names from now on. NULL and the pending error, then with none. */
static struct serve_list *names_for(struct serve_model *m, const struct vocabulary *typed) {
    const struct vocabulary *wanted = typed->n ? typed : &m->start;
    char *key = key_of(wanted);
    struct serve_list *l = find(m, key);
    if (l != m->in_use || !l) put_away(m);
    if (l) {
        if (l != m->in_use) use(m, l);
        free(key);
    } else {
        struct vocabulary v = {0};
        vocabulary_copy(wanted, &v);
        if (segmenter_names(&m->segmenter, &v)) {
            struct segmenter_texts half = {0};
            segmenter_exchange(&m->segmenter, &half);
            segmenter_texts_free(&half);
            free(key);
        } else {
            l = keep(m, key, &v);
        }
        vocabulary_close(&v);
    }
    if (l) l->used = ++m->uses;
    return l;
}

/* ---- opening ---- */

static void tell_about(struct serve_model *m, const char *name, const struct serve_limits *l) {
    static const struct vocabulary none = {0};
    struct json_out j = {.to = &m->about};
    json_object(&j);
    json_key_string(&j, "model", path_base(name));
    json_key_string(&j, "version", OVSEG_VERSION);
    json_key(&j, "names");
    serve_legend(&j, m->named ? &m->start : &none);
    json_key(&j, "limits");
    json_object(&j);
    json_key_int(&j, "upload", l->upload);
    json_key_int(&j, "pixels", l->pixels);
    json_key_int(&j, "waiting", l->waiting);
    json_key_int(&j, "names", SERVE_NAMES_MAX);
    json_key_int(&j, "name_bytes", SERVE_NAME_MAX);
    json_key_int(&j, "names_bytes", SERVE_NAMES_TEXT);
    json_end(&j);
    json_end(&j);
}

int serve_model_open(struct serve_model *m, const struct model_options *o, const char *classes,
                     const struct serve_limits *limits) {
    *m = (struct serve_model){.segmenter.masks.file.fd = -1};
    struct picture_record record = {0};
    int status = open_names(m, o->name, classes);
    char *key = status ? NULL : key_of(&m->start); /* before a rival is added to it */
    if (!status) status = segmenter_open(&m->segmenter, o, &m->start);
    if (!status && m->named) {
        struct vocabulary v = {0};
        vocabulary_copy(&m->start, &v);
        keep(m, key, &v)->used = ++m->uses;
        key = NULL;
    }
    m->outputs.wanted[PICTURE_LABELS] = m->outputs.wanted[PICTURE_JSON] = true;
    m->outputs.wanted[PICTURE_OVERLAY] = true;
    if (!status) m->outputs.wanted[PICTURE_IDS] = segmenter_panoptic(&m->segmenter);
    struct picture_rules rules = {0};
    if (!status) status = picture_record_of(&record, &m->segmenter, &m->start, &rules, &m->outputs);
    memcpy(m->model, record.model, sizeof m->model);
    picture_record_free(&record);
    if (!status && !m->named)
        log_info("%s: has no names of its own: people type them, or name a file by --classes",
                 o->name);
    if (!status) tell_about(m, o->name, limits);
    free(key);
    return status;
}

void serve_model_close(struct serve_model *m) {
    put_away(m);
    for (size_t i = 0; i < SERVE_LISTS; i++) list_free(&m->list[i]);
    segmenter_close(&m->segmenter);
    vocabulary_close(&m->start);
    str_free(&m->about);
}

/* ---- a picture ---- */

struct work {
    struct image im;
    struct labels labels, all;
    struct scores scores;
    struct ranked ranked;
    struct picture_found found;
    struct picture_record record;
};

static void work_free(struct work *w) {
    image_free(&w->im);
    labels_free(&w->labels);
    labels_free(&w->all);
    scores_free(&w->scores);
    ranked_free(&w->ranked);
    picture_found_free(&w->found);
    picture_record_free(&w->record);
}

static int copy_labels(const struct labels *from, struct labels *to) {
    int status = labels_alloc(to, from->h, from->w);
    if (!status) memcpy(to->at, from->at, (size_t)(from->h * from->w) * sizeof *to->at);
    return status;
}

static int segment(struct serve_model *m, const struct job *j, const struct serve_list *l,
                   struct work *w) {
    int64_t K = (int64_t)l->names.n;
    struct picture_rules rules = {.least = j->least};
    w->ranked.stride = serve_stride(w->im.h, w->im.w);
    w->ranked.n = K < SERVE_BEST ? K : SERVE_BEST;
    int status = segmenter_ranked(&m->segmenter, &w->im, &w->labels, &w->scores,
                                  j->maps ? &w->ranked : NULL);
    if (!status && j->maps) status = copy_labels(&w->labels, &w->all);
    if (status) return status;
    segment_unlabel(&w->labels, &w->scores, j->least, NULL, K);
    picture_find(&w->found, &w->labels, &w->scores, K);
    picture_record_named(&w->record, m->model, &m->segmenter, &l->names, &rules, &m->outputs);
    return 0;
}

static void answer(struct serve_model *m, struct job *j, struct work *w) {
    static const char shorter[] = "use fewer names or a smaller picture";
    uint64_t hash = hash_bytes(j->picture.at, j->picture.n);
    int status = image_decode_upright(j->picture.at, j->picture.n, j->file_name, &w->im);
    str_free(&j->picture);
    if (status) {
        serve_error_pending(&j->answer, SERVE_BAD_PICTURE, "send the whole JPEG, PNG or WebP file");
        return;
    }
    if (!j->names.n && !m->named) {
        serve_error(&j->answer, SERVE_BAD_REQUEST, "the model has no names of its own",
                    "type some, one a line");
        return;
    }
    const struct serve_list *l = names_for(m, &j->names);
    if (!l) {
        bool theirs = error_status() == ERR_DATA;
        serve_error_pending(&j->answer, theirs ? SERVE_BAD_REQUEST : SERVE_FAILED,
                            "use fewer or shorter names");
        return;
    }
    struct picture_source from = {.file_name = j->file_name, .hash = hash};
    status = segment(m, j, l, w);
    from.made_by = w->record.made_by;
    struct serve_result r = {.from = &from,
                             .names = &l->names,
                             .labels = &w->labels,
                             .found = &w->found,
                             .all = &w->all,
                             .scores = &w->scores,
                             .ranked = j->maps ? &w->ranked : NULL};
    if (!status) status = serve_answer(&j->answer, &r);
    if (status) {
        log_warn("%s: %s", j->file_name, error_message());
        serve_error_pending(&j->answer, SERVE_FAILED, shorter);
    }
}

void serve_model_answer(struct serve_model *m, struct job *j) {
    struct work w = {0};
    int scope = t_scope_open("", T_NO_GRAD | T_EVAL);
    answer(m, j, &w);
    t_scope_close(scope, NULL);
    work_free(&w);
    error_clear();
    mem_return_pages();
}
