/* PNG by libpng. Its errors come by longjmp: they end in guarded(), the one function with a
 * setjmp; what was allocated hangs on a struct, so a jump loses nothing. */
#include <png.h>

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"
#include "data/image_internal.h"

enum {
    CHUNK_BYTES_MAX = 8 << 20, /* profiles and texts; pixels come in pieces and are not counted */
    CHUNKS_MAX = 1000,
    DEFLATE_RATIO_MAX = 1032, /* no deflate stream is denser */
    BEHIND_MAX = 64 << 10,    /* packed bytes behind the last rows: the end of a stream is short */
};

struct png_job {
    png_structp png;
    png_infop info;
    char message[160];
    /* reading */
    const uint8_t *at;
    size_t n;
    const char *name;
    int64_t h, w;
    int channels, bits, type; /* as stored */
    int sample;               /* bytes a sample in `raw`: 1, or 2 (16-bit grey) */
    bool ending;              /* the last rows are read */
    size_t left;              /* then: packed bytes that may follow */
    uint8_t *raw;             /* [h, w, channels, sample], native byte order */
    png_colorp palette;
    int n_palette;
    /* writing */
    struct str out;
    const void *pixels;
    bool quick; /* runs alone are looked for, see image_encode_png_quick() */
};

static void on_error(png_structp png, png_const_charp what) {
    struct png_job *job = png_get_error_ptr(png);
    snprintf(job->message, sizeof job->message, "%s", what);
    png_longjmp(png, 1);
}

/* Bad profiles and times are common and harm nobody; damaged pixels come as errors. */
static void on_warning(png_structp png, png_const_charp what) { (void)png, (void)what; }

/* False when libpng raised an error inside `body`; its text is in job->message. */
static bool guarded(struct png_job *job, void (*body)(struct png_job *)) {
    if (setjmp(png_jmpbuf(job->png))) return false;
    body(job);
    return true;
}

static const png_uint_32 IDAT = 0x49444154; /* the name of the chunks that hold pixels */

/* libpng unpacks a stream to its end, which may be thousands of times what the picture holds. */
static void take_bytes(png_structp png, png_bytep to, size_t n) {
    struct png_job *job = png_get_io_ptr(png);
    if (n > job->n) png_error(png, "the file is cut short");
    if (job->ending && png_get_io_chunk_type(png) == IDAT) {
        if (n > job->left) png_error(png, "pixels go on behind the last row");
        job->left -= n;
    }
    memcpy(to, job->at, n);
    job->at += n;
    job->n -= n;
}

bool png_is(const uint8_t *at, size_t n) { return n >= 8 && !png_sig_cmp(at, 0, 8); }

static void read_info(struct png_job *job) {
    static const png_byte skipped[] = "iCCP\0iTXt\0tEXt\0zTXt"; /* not unpacked */
    png_set_keep_unknown_chunks(job->png, PNG_HANDLE_CHUNK_NEVER, skipped, sizeof skipped / 5);
    png_set_user_limits(job->png, IMAGE_SIDE_MAX, IMAGE_SIDE_MAX);
    png_set_chunk_malloc_max(job->png, CHUNK_BYTES_MAX);
    png_set_chunk_cache_max(job->png, CHUNKS_MAX);
    png_set_read_fn(job->png, job, take_bytes);
    png_read_info(job->png, job->info);
    job->h = png_get_image_height(job->png, job->info);
    job->w = png_get_image_width(job->png, job->info);
    job->bits = png_get_bit_depth(job->png, job->info);
    job->type = png_get_color_type(job->png, job->info);
    job->channels = png_get_channels(job->png, job->info);
}

/* One byte a sample, except 16-bit grey, whose values are kept: a label map may need them. */
static void read_pixels(struct png_job *job) {
    png_set_packing(job->png);
    if (job->sample == 2)
        png_set_swap(job->png);
    else
        png_set_strip_16(job->png);
    int passes = png_set_interlace_handling(job->png);
    png_read_update_info(job->png, job->info);
    size_t row = png_get_rowbytes(job->png, job->info);
    if (row != (size_t)job->w * (size_t)job->channels * (size_t)job->sample)
        png_error(job->png, "unexpected row size");
    job->left = BEHIND_MAX + 4 * row;
    for (int pass = 0; pass < passes; pass++)
        for (int64_t y = 0; y < job->h; y++) {
            /* the last pass of an interlaced picture has every second row, and none of one */
            job->ending |= (pass == passes - 1 || job->h == 1) && y + 2 >= job->h;
            png_read_row(job->png, job->raw + (size_t)y * row, NULL);
        }
    png_read_end(job->png, NULL);
    if (job->type == PNG_COLOR_TYPE_PALETTE)
        png_get_PLTE(job->png, job->info, &job->palette, &job->n_palette);
}

static void png_close(struct png_job *job) {
    png_destroy_read_struct(&job->png, &job->info, NULL);
    free(job->raw);
    job->raw = NULL;
}

/* libpng would refuse, too, in words that help nobody. */
static int claims_too_much(const uint8_t *at, size_t n, const char *name) {
    enum { SIDES_AT = 16, SIDES_END = 24 };
    if (n < SIDES_END) return 0;
    uint32_t w = png_get_uint_32(at + SIDES_AT), h = png_get_uint_32(at + SIDES_AT + 4);
    return w && h ? image_check_size(name, h, w) : 0;
}

static int png_open(struct png_job *job, const uint8_t *at, size_t n, const char *name) {
    *job = (struct png_job){.at = at, .n = n, .name = name};
    if (claims_too_much(at, n, name)) return error_status();
    job->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, job, on_error, on_warning);
    job->info = job->png ? png_create_info_struct(job->png) : NULL;
    if (!job->info) return error_set(ERR_INTERNAL, "%s: libpng has no memory", name);
    if (!guarded(job, read_info))
        return error_set(ERR_DATA, "%s: damaged PNG: %s; get the file again", name, job->message);
    return image_check_size(name, job->h, job->w);
}

static int png_load(struct png_job *job) {
    size_t n = (size_t)job->h * (size_t)job->w;
    if (n * (size_t)job->channels * (size_t)job->bits / 8 / DEFLATE_RATIO_MAX > job->n)
        return error_set(ERR_DATA,
                         "%s: PNG claims %lld x %lld pixels in %zu bytes; get the file again",
                         job->name, (long long)job->w, (long long)job->h, job->n);
    job->sample = job->bits == 16 && job->type == PNG_COLOR_TYPE_GRAY ? 2 : 1;
    job->raw = mem_try(n, (size_t)job->channels * (size_t)job->sample);
    if (!job->raw) return error_status();
    if (!guarded(job, read_pixels))
        return error_set(ERR_DATA, "%s: damaged PNG: %s; get the file again", job->name,
                         job->message);
    return 0;
}

static int paint_palette(const struct png_job *job, struct image *out) {
    for (int64_t i = 0; i < job->h * job->w; i++) {
        if (job->raw[i] >= job->n_palette)
            return error_set(ERR_DATA, "%s: damaged PNG: colour %d of a palette of %d", job->name,
                             job->raw[i], job->n_palette);
        const png_color *p = &job->palette[job->raw[i]];
        out->at[3 * i] = p->red;
        out->at[3 * i + 1] = p->green;
        out->at[3 * i + 2] = p->blue;
    }
    return 0;
}

/* Pillow's convert("RGB"): alpha is dropped, few-bit grey is spread over 0 .. 255, 16 bits keep
 * their high bytes. */
static int paint(const struct png_job *job, struct image *out) {
    int64_t n = job->h * job->w;
    if (job->type == PNG_COLOR_TYPE_PALETTE) return paint_palette(job, out);
    int c = job->channels;
    if (c >= 3) {
        for (int64_t i = 0; i < n; i++)
            for (int k = 0; k < 3; k++) out->at[3 * i + k] = job->raw[c * i + k];
        return 0;
    }
    int spread = job->bits == 1 ? 255 : job->bits == 2 ? 85 : job->bits == 4 ? 17 : 1;
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < 3; k++) out->at[3 * i + k] = (uint8_t)(job->raw[c * i] * spread);
    return 0;
}

/* Of the first chunk eXIf. ImageMagick writes it behind the pixels, Pillow in front of them. */
static int png_orientation(const uint8_t *at, size_t n) {
    enum { SIGNATURE = 8, NAME = 4, AROUND = 12 }; /* length, name and checksum of a chunk */
    for (size_t i = SIGNATURE; n - i >= AROUND;) {
        size_t len = png_get_uint_32(at + i);
        const uint8_t *chunk = at + i + NAME;
        if (len > n - i - AROUND) return 1;
        i += AROUND + len;
        if (memcmp(chunk, "eXIf", NAME) != 0) continue;
        bool whole = crc32_z(0, chunk, NAME + len) == png_get_uint_32(chunk + NAME + len);
        return whole ? exif_orientation(chunk + NAME, len) : 1;
    }
    return 1;
}

/* The photograph of a microscope or of X-rays would be white nearly everywhere. */
static int check_grey(const struct png_job *job) {
    if (job->bits != 16 || job->type != PNG_COLOR_TYPE_GRAY) return 0;
    return error_set(ERR_DATA,
                     "%s: is grey of 16 bits, of which readers of pictures keep what is below 256; "
                     "convert it to 8 bits",
                     job->name);
}

int png_decode(const uint8_t *at, size_t n, const char *name, struct image *out, int *orientation) {
    struct png_job job;
    if (!png_open(&job, at, n, name) && !check_grey(&job) && !png_load(&job) &&
        !image_alloc(out, job.h, job.w, 3))
        paint(&job, out);
    *orientation = png_orientation(at, n);
    png_close(&job);
    return error_status();
}

int png_look(const uint8_t *at, size_t n, const char *name, struct image_facts *out) {
    struct png_job job;
    if (!png_open(&job, at, n, name)) {
        out->format = "PNG";
        out->h = job.h;
        out->w = job.w;
        out->channels = job.channels;
        out->bits = job.bits;
        out->palette = job.type == PNG_COLOR_TYPE_PALETTE;
        out->orientation = png_orientation(at, n);
    }
    png_close(&job);
    return error_status();
}

int labels_decode_png(const void *bytes, size_t n, const char *name, struct labels *out) {
    *out = (struct labels){0};
    if (!png_is(bytes, n)) return error_set(ERR_DATA, "%s: is not a PNG", name);
    struct png_job job;
    if (!png_open(&job, bytes, n, name)) {
        if (job.type == PNG_COLOR_TYPE_GRAY_ALPHA)
            error_set(ERR_DATA,
                      "%s: is grey with an alpha channel; a label map is a grey or palette PNG: "
                      "save it without alpha",
                      name);
        else if (job.type != PNG_COLOR_TYPE_GRAY && job.type != PNG_COLOR_TYPE_PALETTE)
            error_set(ERR_DATA,
                      "%s: is a colour picture; a label map is a grey or palette PNG whose values "
                      "are class indices",
                      name);
        else if (!png_load(&job) && !labels_alloc(out, job.h, job.w))
            for (int64_t i = 0; i < job.h * job.w; i++) {
                if (job.sample == 2)
                    memcpy(&out->at[i], job.raw + 2 * i, 2);
                else
                    out->at[i] = job.raw[i];
            }
    }
    png_close(&job);
    return error_status();
}

int labels_decode_ade_full(const void *bytes, size_t n, const char *name, struct labels *out) {
    *out = (struct labels){0};
    if (!png_is(bytes, n)) return error_set(ERR_DATA, "%s: is not a PNG", name);
    struct png_job job;
    if (!png_open(&job, bytes, n, name)) {
        if (job.type != PNG_COLOR_TYPE_RGB && job.type != PNG_COLOR_TYPE_RGB_ALPHA)
            error_set(ERR_DATA, "%s: is no RGB picture; a _seg.png of ADE20K is", name);
        else if (job.bits != 8)
            error_set(ERR_DATA, "%s: has %d bits a channel; a _seg.png of ADE20K has 8", name,
                      job.bits);
        else if (!png_load(&job) && !labels_alloc(out, job.h, job.w))
            for (int64_t i = 0; i < job.h * job.w; i++) {
                const uint8_t *rgb = job.raw + job.channels * i;
                out->at[i] = (uint16_t)(rgb[0] / 10 * 256 + rgb[1]);
            }
    }
    png_close(&job);
    return error_status();
}

static void put_bytes(png_structp png, png_bytep from, size_t n) {
    struct png_job *job = png_get_io_ptr(png);
    str_put(&job->out, from, n);
}

static void flush_nothing(png_structp png) { (void)png; }

static void write_pixels(struct png_job *job) {
    png_set_write_fn(job->png, job, put_bytes, flush_nothing);
    png_set_IHDR(job->png, job->info, (png_uint_32)job->w, (png_uint_32)job->h, job->bits,
                 job->type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (job->quick) png_set_compression_strategy(job->png, Z_RLE);
    png_write_info(job->png, job->info);
    if (job->bits == 16) png_set_swap(job->png);
    size_t row = (size_t)job->w * (size_t)job->channels * (size_t)(job->bits / 8);
    for (int64_t y = 0; y < job->h; y++)
        png_write_row(job->png, (png_const_bytep)job->pixels + (size_t)y * row);
    png_write_end(job->png, job->info);
}

static int png_encode(struct png_job *job, struct bytes *out) {
    *out = (struct bytes){0};
    job->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, job, on_error, on_warning);
    job->info = job->png ? png_create_info_struct(job->png) : NULL;
    if (!job->info)
        error_set(ERR_INTERNAL, "libpng has no memory");
    else if (!guarded(job, write_pixels))
        error_set(ERR_INTERNAL, "cannot write a PNG: %s", job->message);
    png_destroy_write_struct(&job->png, &job->info);
    if (error_status())
        str_free(&job->out);
    else
        *out = (struct bytes){.at = (uint8_t *)job->out.at, .n = job->out.n};
    return error_status();
}

static int encode_image(const struct image *im, bool quick, struct bytes *out) {
    REQUIRE(im->c == 3 || im->c == 1, "%lld channels", (long long)im->c);
    struct png_job job = {.h = im->h,
                          .w = im->w,
                          .channels = (int)im->c,
                          .bits = 8,
                          .type = im->c == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY,
                          .pixels = im->at,
                          .quick = quick};
    return png_encode(&job, out);
}

int image_encode_png(const struct image *im, struct bytes *out) {
    return encode_image(im, false, out);
}

int image_encode_png_quick(const struct image *im, struct bytes *out) {
    return encode_image(im, true, out);
}

int labels_encode_png16(const struct labels *l, struct bytes *out) {
    struct png_job job = {.h = l->h,
                          .w = l->w,
                          .channels = 1,
                          .bits = 16,
                          .type = PNG_COLOR_TYPE_GRAY,
                          .pixels = l->at};
    return png_encode(&job, out);
}

int labels_encode_png(const struct labels *l, struct bytes *out) {
    struct png_job job = {
        .h = l->h, .w = l->w, .channels = 1, .bits = 8, .type = PNG_COLOR_TYPE_GRAY};
    size_t n = (size_t)(l->h * l->w);
    for (size_t i = 0; i < n; i++)
        if (l->at[i] > 255) return labels_encode_png16(l, out);
    *out = (struct bytes){0};
    uint8_t *narrow = mem_try(n, 1);
    if (!narrow) return error_status();
    for (size_t i = 0; i < n; i++) narrow[i] = (uint8_t)l->at[i];
    job.pixels = narrow;
    png_encode(&job, out);
    free(narrow);
    return error_status();
}
