/* TIFF by libtiff, for label maps alone: ADE20K-847 and Pascal Context-459 in the reference's form
 * are 16-bit TIFF (reference-spec 5.1). What the header claims is checked before memory is taken.
 */
#include "base/error.h"
#include "data/image_internal.h"

#ifdef OVSEG_TIFF

#include <tiffio.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STRIP_BYTES_MAX = 2 * IMAGE_PIXELS_MAX, PACKED_RATIO_MAX = 1100 }; /* of deflate: 1032 */

struct tiff_job {
    const uint8_t *at;
    size_t n, position;
    const char *name;
    char message[160];
};

/* The first of its complaints is the cause of the others. */
__attribute__((format(printf, 4, 0))) static int on_error(TIFF *tiff, void *self,
                                                          const char *module, const char *fmt,
                                                          va_list ap) {
    (void)tiff, (void)module;
    struct tiff_job *job = self;
    if (!job->message[0]) vsnprintf(job->message, sizeof job->message, fmt, ap);
    return 1;
}

/* Tags it does not know harm nobody. */
static int on_warning(TIFF *tiff, void *self, const char *module, const char *fmt, va_list ap) {
    (void)tiff, (void)self, (void)module, (void)fmt, (void)ap;
    return 1;
}

static tmsize_t take(thandle_t self, void *to, tmsize_t n) {
    struct tiff_job *job = self;
    size_t left = job->n - job->position, k = n < 0 ? 0 : (size_t)n < left ? (size_t)n : left;
    memcpy(to, job->at + job->position, k);
    job->position += k;
    return (tmsize_t)k;
}

static tmsize_t refuse(thandle_t self, void *from, tmsize_t n) {
    (void)self, (void)from, (void)n;
    return -1;
}

static toff_t move(thandle_t self, toff_t to, int whence) {
    struct tiff_job *job = self;
    toff_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? job->position : job->n;
    if (to > job->n - base) return (toff_t)-1; /* also a step back, which libtiff does not take */
    return job->position = base + to;
}

static int leave(thandle_t self) {
    (void)self;
    return 0;
}

static toff_t size_of(thandle_t self) { return ((struct tiff_job *)self)->n; }

static TIFF *tiff_open(struct tiff_job *job) {
    TIFFOpenOptions *o = TIFFOpenOptionsAlloc();
    if (!o) return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(o, on_error, job);
    TIFFOpenOptionsSetWarningHandlerExtR(o, on_warning, job);
    TIFFOpenOptionsSetMaxSingleMemAlloc(o, STRIP_BYTES_MAX);
    /* "m": read, not mapped */
    TIFF *tiff =
        TIFFClientOpenExt(job->name, "rm", job, take, refuse, move, leave, size_of, NULL, NULL, o);
    TIFFOpenOptionsFree(o);
    return tiff;
}

struct tiff_head {
    uint32_t h, w, rows; /* of a strip */
    uint16_t bits, samples, format, photometric;
};

static int read_head(TIFF *tiff, const struct tiff_job *job, struct tiff_head *to) {
    *to = (struct tiff_head){0};
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &to->h);
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &to->w);
    TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &to->photometric);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &to->rows);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &to->bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &to->samples);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &to->format);
    if (image_check_size(job->name, to->h, to->w)) return error_status();
    if (to->samples != 1 || (to->bits != 8 && to->bits != 16) || to->format != SAMPLEFORMAT_UINT ||
        TIFFIsTiled(tiff))
        return error_set(ERR_DATA,
                         "%s: is a TIFF of %d x %d bits%s; a label map has one whole number of 8 "
                         "or 16 bits a pixel, in strips",
                         job->name, to->samples, to->bits, TIFFIsTiled(tiff) ? " in tiles" : "");
    if ((size_t)to->h * to->w * (to->bits / 8) / PACKED_RATIO_MAX > job->n)
        return error_set(ERR_DATA, "%s: TIFF claims %u x %u pixels in %zu bytes", job->name, to->w,
                         to->h, job->n);
    if (to->rows > to->h) to->rows = to->h;
    if (!TIFFLastDirectory(tiff))
        return error_set(ERR_DATA, "%s: is a TIFF of several pages; a label map is one", job->name);
    if (!to->rows) return error_set(ERR_DATA, "%s: damaged TIFF: strips of no rows", job->name);
    return 0;
}

/* The library makes zeros of strips that the file does not have, so they are looked at first. */
static int check_strip(TIFF *tiff, const struct tiff_job *job, uint32_t strip, size_t want) {
    uint16_t packing = COMPRESSION_NONE;
    int bad_at = 0, bad_n = 0;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &packing);
    uint64_t at = TIFFGetStrileOffsetWithErr(tiff, strip, &bad_at);
    uint64_t n = TIFFGetStrileByteCountWithErr(tiff, strip, &bad_n);
    if (bad_at || bad_n || !at || !n || at > job->n || n > job->n - at ||
        (packing == COMPRESSION_NONE && n < want))
        return error_set(ERR_DATA, "%s: damaged TIFF: it is cut short, or its sizes lie",
                         job->name);
    return 0;
}

static int read_strips(TIFF *tiff, const struct tiff_job *job, const struct tiff_head *head,
                       struct labels *out) {
    size_t width = head->bits / 8, row = head->w * width;
    uint8_t *strip = mem_try(head->rows, row);
    for (uint32_t y = 0; strip && !error_status() && y < head->h; y += head->rows) {
        uint32_t rows = head->h - y < head->rows ? head->h - y : head->rows;
        tmsize_t want = (tmsize_t)(rows * row);
        if (check_strip(tiff, job, TIFFComputeStrip(tiff, y, 0), (size_t)want)) break;
        if (TIFFReadEncodedStrip(tiff, TIFFComputeStrip(tiff, y, 0), strip, want) != want) {
            error_set(ERR_DATA, "%s: damaged TIFF: %s", job->name,
                      job->message[0] ? job->message : "it is cut short");
            break;
        }
        uint16_t *to = out->at + (size_t)y * head->w;
        for (size_t i = 0; i < (size_t)rows * head->w; i++) {
            if (width == 1)
                to[i] = strip[i];
            else
                memcpy(&to[i], strip + 2 * i, 2); /* libtiff has put it in our order */
        }
    }
    free(strip);
    return error_status();
}

int labels_decode_tiff(const void *bytes, size_t n, const char *name, struct labels *out) {
    struct tiff_job job = {.at = bytes, .n = n, .name = name};
    struct tiff_head head;
    *out = (struct labels){0};
    TIFF *tiff = tiff_open(&job);
    if (!tiff)
        return error_set(ERR_DATA, "%s: is not a TIFF%s%s", name, job.message[0] ? ": " : "",
                         job.message);
    if (!read_head(tiff, &job, &head) && !labels_alloc(out, head.h, head.w) &&
        read_strips(tiff, &job, &head, out))
        labels_free(out);
    TIFFClose(tiff);
    return error_status();
}

#else

int labels_decode_tiff(const void *bytes, size_t n, const char *name, struct labels *out) {
    (void)bytes, (void)n;
    *out = (struct labels){0};
    return error_set(ERR_DEVICE,
                     "%s: this build cannot read TIFF: install libtiff-dev and build again", name);
}

#endif
