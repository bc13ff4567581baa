/* A folder of small pictures with label maps, and a set that is made of it. */
#pragma once

#include "base/file.h"
#include "base/hash.h"
#include "data/file_set.h"
#include "data/set_prepare.h"
#include "tests/test.h"

enum { BLOCK = 8, N = 2 * BLOCK + 5, CLASSES = 3, SIDE = 6 };

/* ---- a folder of pictures and maps ---- */

static void write_in(const char *folder, const char *name, const struct bytes *b) {
    char *dir = test_path(folder), *path = path_join(dir, name);
    CHECK_OK(dir_make(dir));
    CHECK_OK(file_write(path, b->at, b->n));
    free(path);
    free(dir);
}

static void write_map(const char *name, int64_t h, int64_t w, int64_t i) {
    struct labels l;
    struct bytes png;
    CHECK_OK(labels_alloc(&l, h, w));
    for (int64_t k = 0; k < h * w; k++) {
        l.at[k] = (uint16_t)((k / w + i) % (CLASSES + 1));
        if (l.at[k] == CLASSES || i % 12 == 7) l.at[k] = 255; /* 7, 19: nothing labelled */
    }
    CHECK_OK(labels_encode_png(&l, &png));
    write_in("masks", name, &png);
    bytes_free(&png);
    labels_free(&l);
}

static void write_picture(int64_t i) {
    struct image im;
    struct bytes png;
    char *name = mem_format("p%04lld.png", (long long)i);
    CHECK_OK(image_alloc(&im, SIDE + i % 3, SIDE, 3));
    for (int64_t k = 0; k < im.h * im.w * 3; k++) im.at[k] = (uint8_t)(k * 7 + i);
    CHECK_OK(image_encode_png(&im, &png));
    write_in("images", name, &png);
    write_map(name, im.h, im.w, i);
    bytes_free(&png);
    image_free(&im);
    free(name);
}

static void write_folder(int64_t n) {
    static const char names[] = "sky\nroad\ntrafficlight\n";
    char *path = test_path("names.txt");
    for (int64_t i = 0; i < n; i++) write_picture(i);
    CHECK_OK(file_write(path, names, sizeof names - 1));
    free(path);
}

static void open_folder(struct dataset *d) {
    char *images = test_path("images"), *masks = test_path("masks"),
         *names = test_path("names.txt");
    struct file_set_options o = {
        .images = images, .maps = masks, .names = names, .map_suffix = ".png", .kind = MAPS_PNG};
    CHECK_OK(file_set_open(d, &o));
    free(images);
    free(masks);
    free(names);
}

static uint64_t hash_of(const char *name) {
    char *path = test_path(name);
    uint64_t hash;
    CHECK_OK(hash_file(path, &hash));
    free(path);
    return hash;
}

static int prepare_to(struct set_prepare *p, const char *name) {
    struct dataset d;
    char *path = test_path(name);
    open_folder(&d);
    p->path = path;
    p->config_hash = "";
    p->block = BLOCK;
    int status = set_prepare_run(p, &d);
    dataset_close(&d);
    free(path);
    return status;
}
