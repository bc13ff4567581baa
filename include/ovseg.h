/* libovseg: pictures segmented with any names, by a model package (`ovseg export`).
 *
 *     ovseg *model;
 *     if (ovseg_open(&model, "MODEL.ovseg", NULL)) die(ovseg_error(NULL));
 *     const char *names[] = {"sky", "a red car", "grass"};
 *     if (ovseg_set_names(model, names, 3)) die(ovseg_error(model));
 *     int status = ovseg_segment(model, rgb, height, width, 3 * width, labels, NULL);
 *     if (status) die(ovseg_error(model));
 *     ovseg_close(model);
 *
 * Labels are those of `ovseg segment -m MODEL.ovseg`, to the bit: with the same libtorch, kind of
 * CPU and number of threads.
 *
 * Threads. A handle serves one thread at a time; which thread that is may change. Different handles
 * may be used by different threads at the same time. ovseg_open() may be called from any thread;
 * calls wait for each other. Computing itself uses the threads of OpenMP (options.threads). The
 * library is not to be used in a child of fork() whose parent has used it.
 *
 * Errors. Functions that return int give 0 or an enum ovseg_status, and leave a message of one
 * line. What a caller does wrong by contract (a NULL where none is allowed) is OVSEG_USAGE. When
 * memory for small things runs out the process is aborted.
 *
 * Nothing is printed unless options.verbose asks for it, on stderr.
 */
#ifndef OVSEG_H
#define OVSEG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define OVSEG_API __attribute__((visibility("default")))
#else
#define OVSEG_API
#endif

/* An open model with its names. */
typedef struct ovseg ovseg;

/* What a function returns: exit codes of the program, docs/exit-codes.md. */
enum ovseg_status {
    OVSEG_OK = 0,
    OVSEG_USAGE = 64,    /* an argument is not what it must be */
    OVSEG_DATA = 65,     /* the package, or a file of names, is damaged, incomplete or newer */
    OVSEG_MISSING = 66,  /* there is no such file or folder */
    OVSEG_DEVICE = 69,   /* no usable GPU where one is asked for */
    OVSEG_INTERNAL = 70, /* memory for a large thing ran out, or libtorch failed */
    OVSEG_IO = 74,       /* the system refused to read or write */
    OVSEG_CONFIG = 78    /* a setting is unknown, or out of its range */
};

/* How a model is opened; all zero but `size` is the default. Later versions add members behind
 * these: `size` says how many a caller knows. */
struct ovseg_options {
    size_t size;                 /* sizeof(struct ovseg_options) */
    const char *device;          /* "cpu", "cuda" or NULL, auto: a usable GPU, else the CPU */
    int threads;                 /* that compute, in this process; 0: left as they are */
    int verbose;                 /* 1: warnings on stderr, 2: messages, too; of the whole process */
    const char *const *settings; /* "eval.lambda=0.6": as `ovseg segment --set` has them */
    size_t n_settings;
};

OVSEG_API const char *ovseg_version(void); /* "0.1.0" */

/* Opens and verifies the package in a folder; *out is NULL after an error, whose message
 * ovseg_error(NULL) has, in this thread. The weights are read here, once. */
OVSEG_API int ovseg_open(ovseg **out, const char *package, const struct ovseg_options *options);
OVSEG_API void ovseg_close(ovseg *o); /* NULL is fine */

/* What is looked for from now on: n >= 1 names in UTF-8, of at most 1000 bytes each, no two alike.
 * Their text features are computed here and kept. After an error the names are those before. */
OVSEG_API int ovseg_set_names(ovseg *o, const char *const *names, size_t n);
/* The same from a file of classes, docs/own-data.md: a name a line, or YAML with synonyms and
 * prompts. "MODEL.ovseg/names.yaml" are the names that a model was measured with. */
OVSEG_API int ovseg_set_vocabulary(ovseg *o, const char *file);

OVSEG_API size_t ovseg_names(const ovseg *o);               /* how many; 0: none were set */
OVSEG_API const char *ovseg_name(const ovseg *o, size_t i); /* NULL: there is no such name */
/* The label of pixels that no name took (which some settings leave): 255, or 65535 when there are
 * more than 255 names. */
OVSEG_API uint16_t ovseg_unlabelled(const ovseg *o);

/* Segments a picture: `height` rows of `width` pixels of red, green, blue, a byte each, which begin
 * `stride` bytes apart. labels: height * width, rows without gaps, indices of names. scores: names
 * * height * width, the score map of each name, of which the highest is the label (before a dense
 * CRF, if the settings ask for one); NULL: not wanted, which is faster. */
OVSEG_API int ovseg_segment(ovseg *o, const uint8_t *rgb, size_t height, size_t width,
                            size_t stride, uint16_t *labels, float *scores);

/* The message of the last call with this handle that failed, "" when none did; valid until its next
 * call. NULL: of the last ovseg_open() that failed in this thread. */
OVSEG_API const char *ovseg_error(const ovseg *o);

#ifdef __cplusplus
}
#endif

#endif
