/* libovseg: include/ovseg.h over the segmenter of `ovseg segment`. */
#include "include/ovseg.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "train/package/package.h"
#include "train/segmenter.h"

enum { MESSAGE_MAX = 2000 };

struct ovseg {
    struct segmenter s;
    struct vocabulary names;
    bool named; /* else the names are those that opening wanted */
    char message[MESSAGE_MAX];
};

_Static_assert((int)OVSEG_USAGE == ERR_USAGE && (int)OVSEG_DATA == ERR_DATA &&
                   (int)OVSEG_MISSING == ERR_MISSING && (int)OVSEG_DEVICE == ERR_DEVICE &&
                   (int)OVSEG_INTERNAL == ERR_INTERNAL && (int)OVSEG_IO == ERR_IO &&
                   (int)OVSEG_CONFIG == ERR_CONFIG,
               "the header's codes are ours");

static _Thread_local char open_message[MESSAGE_MAX];

/* One model is opened at a time: devices and libtorch's generator are the process's. */
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

const char *ovseg_version(void) { return OVSEG_VERSION; }

/* The pending error as the status and the message of a call; none is left for the next one. */
static int leave(char *message) {
    int status = error_status();
    size_t n = strlen(error_message());
    if (n >= MESSAGE_MAX) n = MESSAGE_MAX - 1;
    memcpy(message, error_message(), n);
    message[n] = '\0';
    error_clear();
    return status;
}

static int start(void) {
    error_clear();
    return t_scope_open("", T_NO_GRAD | T_EVAL);
}

/* ---- opening ---- */

/* What the caller's version of the struct has; what it has not is 0. */
static int read_options(const struct ovseg_options *from, struct ovseg_options *to) {
    *to = (struct ovseg_options){.size = sizeof *to};
    if (!from) return 0;
    if (from->size < offsetof(struct ovseg_options, n_settings))
        return error_set(ERR_USAGE, "options.size: set it to sizeof(struct ovseg_options)");
    memcpy(to, from, from->size < sizeof *to ? from->size : sizeof *to);
    if (to->n_settings && !to->settings)
        return error_set(ERR_USAGE, "options.settings is NULL, and n_settings is not 0");
    if (to->threads < 0 || to->threads > 1024)
        return error_set(ERR_USAGE, "options.threads: from 0 to 1024");
    return 0;
}

static int read_settings(const struct ovseg_options *o, struct overrides *all) {
    int status = 0;
    for (size_t i = 0; !status && i < o->n_settings; i++)
        status = overrides_add(all, o->settings[i] ? o->settings[i] : "", NULL);
    for (size_t i = 0; !status && i < all->n; i++)
        if (all->at[i].scope)
            status = error_set(ERR_USAGE, "%s:%s: there is one stage only: without \"%s:\"",
                               all->at[i].scope, all->at[i].key, all->at[i].scope);
    if (status || !o->device) return status;
    char *device = mem_format("device=%s", o->device);
    status = overrides_add(all, device, NULL);
    free(device);
    return status;
}

static int open_model(struct ovseg *o, const char *package, const struct ovseg_options *options) {
    struct overrides settings = {0};
    struct model_options model = {.command = "libovseg", .name = package};
    int status = read_settings(options, &settings);
    if (!status && !package_is(package))
        status = error_set(ERR_MISSING, "%s: no model package: `ovseg export` makes one", package);
    model.overrides = settings.at;
    model.n_overrides = settings.n;
    vocabulary_add(&o->names, "thing"); /* until names are set */
    if (!status && options->threads) t_set_threads(options->threads);
    if (!status) status = segmenter_open(&o->s, &model, &o->names);
    overrides_free(&settings);
    return status;
}

int ovseg_open(ovseg **out, const char *package, const struct ovseg_options *options) {
    static const enum log_level levels[] = {LOG_ERROR + 1, LOG_WARN, LOG_INFO};
    struct ovseg_options with;
    struct ovseg *o = NULL;
    int scope = start();
    int status = out && package ? read_options(options, &with)
                                : error_set(ERR_USAGE, "ovseg_open: an argument is NULL");
    if (!status) {
        pthread_mutex_lock(&opening);
        log_set_level(levels[with.verbose < 0 ? 0 : with.verbose > 2 ? 2 : with.verbose]);
        o = mem_alloc(1, sizeof *o);
        open_model(o, package, &with);
        pthread_mutex_unlock(&opening);
    }
    t_scope_close(scope, NULL);
    status = leave(open_message);
    if (status) {
        ovseg_close(o);
        o = NULL;
    }
    if (out) *out = o;
    return status;
}

void ovseg_close(ovseg *o) {
    if (!o) return;
    segmenter_close(&o->s);
    vocabulary_close(&o->names);
    free(o);
}

/* ---- names ---- */

/* Takes over v, in any case. */
static int set_names(ovseg *o, struct vocabulary *v, int status) {
    if (!status) status = segmenter_names(&o->s, v);
    if (!status) {
        struct vocabulary old = o->names;
        o->names = *v;
        *v = old;
        o->named = true;
    }
    vocabulary_close(v);
    return status;
}

int ovseg_set_names(ovseg *o, const char *const *names, size_t n) {
    struct vocabulary v = {0};
    if (!o) return ERR_USAGE;
    int scope = start();
    int status = names && n ? 0 : error_set(ERR_USAGE, "ovseg_set_names: there are no names");
    if (!status && n > VOCABULARY_MAX)
        status = error_set(ERR_USAGE, "ovseg_set_names: more than %d names", VOCABULARY_MAX);
    for (size_t i = 0; !status && i < n; i++)
        if (names[i])
            vocabulary_add(&v, names[i]);
        else
            status = error_set(ERR_USAGE, "ovseg_set_names: name %zu is NULL", i);
    if (!status) status = vocabulary_check(&v, "ovseg_set_names");
    set_names(o, &v, status);
    t_scope_close(scope, NULL);
    return leave(o->message);
}

int ovseg_set_vocabulary(ovseg *o, const char *file) {
    struct vocabulary v = {0};
    if (!o) return ERR_USAGE;
    int scope = start();
    int status = file ? vocabulary_read(&v, file)
                      : error_set(ERR_USAGE, "ovseg_set_vocabulary: the file is NULL");
    set_names(o, &v, status);
    t_scope_close(scope, NULL);
    return leave(o->message);
}

size_t ovseg_names(const ovseg *o) { return o && o->named ? o->names.n : 0; }

const char *ovseg_name(const ovseg *o, size_t i) {
    return i < ovseg_names(o) ? o->names.at[i].name : NULL;
}

uint16_t ovseg_unlabelled(const ovseg *o) { return segment_unlabelled((int64_t)ovseg_names(o)); }

/* ---- a picture ---- */

static int check_picture(const ovseg *o, const uint8_t *rgb, size_t h, size_t w, size_t stride,
                         const uint16_t *labels) {
    if (!rgb || !labels) return error_set(ERR_USAGE, "ovseg_segment: an argument is NULL");
    if (!o->named) return error_set(ERR_USAGE, "ovseg_segment: no names were set");
    if (!h || !w || h > IMAGE_SIDE_MAX || w > IMAGE_SIDE_MAX || h * w > IMAGE_PIXELS_MAX)
        return error_set(ERR_USAGE,
                         "ovseg_segment: %zu x %zu: sides are 1 to %d pixels, and the picture at "
                         "most %d Mpx",
                         w, h, IMAGE_SIDE_MAX, IMAGE_PIXELS_MAX >> 20);
    if (stride < 3 * w)
        return error_set(ERR_USAGE, "ovseg_segment: a stride of %zu bytes for rows of %zu", stride,
                         3 * w);
    return 0;
}

/* [K, H, W] */
static int copy_scores(const struct dump *d, size_t values, float *scores) {
    tensor *x = dump_find(d, "sem_seg");
    REQUIRE(x && (size_t)t_numel(x) == values, "no scores");
    return t_copy_out(t_contiguous(x), scores, values * sizeof *scores);
}

static int segment(ovseg *o, const struct image *im, uint16_t *labels, float *scores) {
    struct labels l = {0};
    struct dump dump = {0};
    size_t pixels = (size_t)(im->h * im->w);
    int status = segmenter_labels(&o->s, "picture", im, &l, NULL, scores ? &dump : NULL);
    if (!status) memcpy(labels, l.at, pixels * sizeof *labels);
    if (!status && scores) status = copy_scores(&dump, pixels * o->names.n, scores);
    dump_free(&dump);
    labels_free(&l);
    return status;
}

int ovseg_segment(ovseg *o, const uint8_t *rgb, size_t height, size_t width, size_t stride,
                  uint16_t *labels, float *scores) {
    struct image im = {0};
    if (!o) return ERR_USAGE;
    int scope = start();
    int status = check_picture(o, rgb, height, width, stride, labels);
    if (!status) status = image_alloc(&im, (int64_t)height, (int64_t)width, 3);
    for (size_t y = 0; !status && y < height; y++)
        memcpy(im.at + y * 3 * width, rgb + y * stride, 3 * width);
    if (!status) segment(o, &im, labels, scores);
    image_free(&im);
    t_scope_close(scope, NULL);
    return leave(o->message);
}

const char *ovseg_error(const ovseg *o) { return o ? o->message : open_message; }
