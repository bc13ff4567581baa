/* Times the samples that the proposal network is trained on, one core: JPEG and label map from a
 * set to a crop of 512 x 512, by the 512 recipe of reference-spec 5.2.
 *
 * Usage: sample_times [FOLDER [SECONDS]]; FOLDER: its JPEG files; -, the standard: 24 pictures of
 * 640 x 480, smooth with grain, about as many bytes as COCO's photographs. Each picture is a sample
 * of every size in turn; the sizes are equally likely in training.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "data/colour_jitter.h"
#include "data/resize.h"
#include "data/segment_batches.h"
#include "data/set.h"

enum { PICTURES = 24, H = 480, W = 640, SIDE = 512, SIZES = 16, CLASSES = 171, BATCH = 8 };

static int64_t sizes[SIZES];
static struct segment_data_options recipe = {.sizes = {sizes, SIZES},
                                             .longest = 2048,
                                             .crop = SIDE,
                                             .single_area = 1,
                                             .colour = true,
                                             .mirror = true,
                                             .group = true};

static double cpu_s(void) { return (double)clock() / CLOCKS_PER_SEC; }

/* Waves of a few colours, edges, and grain, which most of a photograph's bytes are for. */
static int picture(struct image *im, uint64_t number) {
    struct rng r = rng_stream(1, "bench samples", number);
    double fx = rng_range(&r, 20, 90), fy = rng_range(&r, 20, 90), edge = rng_range(&r, 40, 200);
    int status = image_alloc(im, H, W, 3);
    for (int64_t i = 0; !status && i < (int64_t)H * W * 3; i++) {
        int64_t row = i / 3 / W, column = i / 3 % W;
        double y = (double)row, x = (double)column, c = (double)(i % 3);
        double v = 110 + 50 * sin(x / fx + c) + 50 * cos(y / fy - c) + 4 * rng_normal(&r);
        if (fmod(x + y * (1 + c / 9), edge) < edge / 3) v += 40;
        im->at[i] = (uint8_t)fmin(255, fmax(0, v));
    }
    return status;
}

/* About as many regions as a label map of COCO-Stuff has. */
static int label_map(struct labels *l, int64_t h, int64_t w, uint64_t number) {
    struct rng r = rng_stream(2, "bench samples", number);
    int status = labels_alloc(l, h, w);
    for (int64_t i = 0; !status && i < h * w; i++) l->at[i] = 255;
    for (int k = 0; !status && k < 12; k++) {
        int64_t y = rng_below(&r, h), x = rng_below(&r, w), class = rng_below(&r, CLASSES);
        int64_t ry = 1 + rng_below(&r, h / 2), rx = 1 + rng_below(&r, w / 2);
        for (int64_t v = y > ry ? y - ry : 0; v < h && v < y + ry; v++)
            for (int64_t u = x > rx ? x - rx : 0; u < w && u < x + rx; u++)
                if ((v - y) * (v - y) * rx * rx + (u - x) * (u - x) * ry * ry < rx * rx * ry * ry)
                    l->at[v * w + u] = (uint16_t) class;
    }
    return status;
}

static int add(struct set_writer *w, int64_t id, const struct bytes *jpeg) {
    struct image im = {0};
    struct labels l = {0};
    int status = image_decode(jpeg->at, jpeg->n, "picture", &im);
    if (!status) status = label_map(&l, im.h, im.w, (uint64_t)id);
    const struct set_item item = {
        .id = id, .h = im.h, .w = im.w, .bytes = jpeg->at, .n = jpeg->n, .labels = &l};
    if (!status) status = set_add(w, &item);
    image_free(&im);
    labels_free(&l);
    return status;
}

static int add_made(struct set_writer *w, size_t *bytes) {
    int status = 0;
    for (int64_t i = 0; !status && i < PICTURES; i++) {
        struct image im = {0};
        struct bytes jpeg = {0};
        status = picture(&im, (uint64_t)i);
        if (!status) status = image_encode_jpeg(&im, 96, &jpeg);
        if (!status) status = add(w, i, &jpeg);
        *bytes += jpeg.n;
        bytes_free(&jpeg);
        image_free(&im);
    }
    return status;
}

static int add_folder(struct set_writer *w, const char *dir, size_t *bytes) {
    struct strings names = {0};
    int status = dir_list(dir, &names);
    for (size_t i = 0; !status && i < names.n; i++) {
        size_t n = strlen(names.at[i]);
        if (n < 4 || strcmp(names.at[i] + n - 4, ".jpg") != 0) continue;
        char *path = path_join(dir, names.at[i]);
        struct bytes jpeg = {0};
        status = file_read(path, 64 << 20, &jpeg);
        if (!status) status = add(w, w->n, &jpeg);
        *bytes += jpeg.n;
        bytes_free(&jpeg);
        free(path);
    }
    strings_free(&names);
    if (!status && !w->n) status = error_set(ERR_MISSING, "%s: holds no .jpg", dir);
    return status;
}

static int make_set(const char *path, const char *folder) {
    char *names[CLASSES];
    bool seen[CLASSES] = {false};
    size_t bytes = 0;
    struct set_writer w;
    for (int k = 0; k < CLASSES; k++) names[k] = mem_format("class %d", k);
    struct set_info info = {names, seen, CLASSES, 255, ""};
    int status = set_create(&w, path, &info);
    if (!status) status = folder ? add_folder(&w, folder, &bytes) : add_made(&w, &bytes);
    if (!status) status = set_finish(&w);
    if (!status)
        printf("%lld pictures, %s, %zu bytes each\n", (long long)w.n,
               folder ? folder : "640 x 480, made", bytes / (size_t)w.n);
    set_drop(&w);
    for (int k = 0; k < CLASSES; k++) free(names[k]);
    return status;
}

/* What a sample's parts take, seconds of processor time. */
struct parts {
    double image, labels, resize, colour;
};

static int time_parts(const struct dataset *d, int64_t n, struct parts *p) {
    int status = 0;
    for (int64_t i = 0; !status && i < n; i++) {
        struct rng r = rng_stream(1, "order", (uint64_t)i);
        struct image im = {0}, part = {0};
        struct labels l = {0};
        double at[5] = {cpu_s()};
        status = d->source->image(d, i % d->n_images, &im);
        at[1] = cpu_s();
        if (!status) status = d->source->labels(d, i % d->n_images, &l);
        at[2] = cpu_s();
        int64_t h, w;
        resize_shortest_edge(im.h, im.w, sizes[i % SIZES], recipe.longest, &h, &w);
        struct box box = {0, 0, w < SIDE ? w : SIDE, h < SIDE ? h : SIDE};
        if (!status) status = image_resize_part(&im, h, w, RESIZE_BILINEAR, box, &part);
        at[3] = cpu_s();
        if (!status) colour_jitter(&part, &r);
        at[4] = cpu_s();
        p->image += (at[1] - at[0]) / (double)n;
        p->labels += (at[2] - at[1]) / (double)n;
        p->resize += (at[3] - at[2]) / (double)n;
        p->colour += (at[4] - at[3]) / (double)n;
        image_free(&im);
        image_free(&part);
        labels_free(&l);
    }
    return status;
}

/* Samples a second of processor time, through the loader; the caller does nothing but wait. */
static int time_loader(const struct dataset *d, double seconds, double *rate) {
    uint16_t name_of[CLASSES];
    for (int k = 0; k < CLASSES; k++) name_of[k] = (uint16_t)k;
    const struct segment_batches_options o = {.set = d,
                                              .sample = &recipe,
                                              .name_of = name_of,
                                              .seed = 1,
                                              .purpose = "order",
                                              .B = BATCH,
                                              .H = SIDE,
                                              .W = SIDE,
                                              .damage = {.stop = true}};
    struct segment_batches b;
    struct segment_batch batch;
    segment_batches_open(&b, &o);
    int status = segment_batches_start(&b, (struct loader_options){1, 2}, 0, INT64_MAX / 2);
    for (int i = 0; !status && i < 4; i++) status = segment_batches_next(&b, &batch); /* warm */
    double start = clock_s(), cpu = cpu_s();
    int64_t n = 0;
    for (; !status && clock_s() - start < seconds; n += BATCH)
        status = segment_batches_next(&b, &batch);
    *rate = (double)n / (cpu_s() - cpu);
    segment_batches_close(&b);
    return status;
}

int main(int argc, char **argv) {
    mem_keep_pages();
    const char *folder = argc > 1 && strcmp(argv[1], "-") != 0 ? argv[1] : NULL;
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 10, rate = 0;
    const char *tmp = getenv("TMPDIR");
    char *path = mem_format("%s/sample_times-%d.h5", tmp ? tmp : "/tmp", (int)getpid());
    for (int k = 0; k < SIZES; k++) sizes[k] = (k + 5) * SIDE / 10;
    struct dataset d = {0};
    struct parts p = {0};
    int status = make_set(path, folder);
    if (!status) status = set_open(&d, path);
    if (!status) status = time_parts(&d, 16 * SIZES, &p);
    if (!status) status = time_loader(&d, seconds, &rate);
    if (status)
        fprintf(stderr, "sample_times: %s\n", error_message());
    else
        printf("%.0f samples/s/core; ms: JPEG %.2f, label map %.2f, resize %.2f, colours %.2f\n",
               rate, p.image * 1e3, p.labels * 1e3, p.resize * 1e3, p.colour * 1e3);
    if (d.source) dataset_close(&d);
    error_clear();
    file_remove(path);
    free(path);
    return status;
}
