#include "tests/own_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "data/image.h"
#include "tests/test.h"

static const uint8_t colours[3][3] = {{70, 130, 180}, {0, 128, 0}, {220, 20, 60}};

char *own_path(const char *name) {
    char *whole = mem_format("own/%s", name), *path = test_path(whole);
    free(whole);
    return path;
}

void own_put(const char *name, const void *bytes, size_t n) {
    char *path = own_path(name), *dir = path_dir(path);
    CHECK_OK(dir_make(dir));
    FILE *f = fopen(path, "wb"); /* nothing durable: hundreds of them */
    CHECK(f && fwrite(bytes, 1, n, f) == n && fclose(f) == 0);
    free(dir);
    free(path);
}

void own_text(const char *name, const char *text) { own_put(name, text, strlen(text)); }

char *own_text_of(const char *name) {
    char *path = own_path(name);
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 20, &b));
    free(path);
    return (char *)b.at;
}

void own_has(const char *name, const char *part) {
    char *text = own_text_of(name);
    CHECK_HAS(text, part);
    free(text);
}

void own_copy(const char *name, const char *source) {
    char *path = test_source(source);
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 24, &b));
    own_put(name, b.at, b.n);
    bytes_free(&b);
    free(path);
}

void own_remove(const char *name) {
    char *path = own_path(name);
    CHECK_OK(dir_exists(path) ? dir_remove(path) : file_remove(path));
    free(path);
}

void own_rename(const char *from, const char *to) {
    char *a = own_path(from), *b = own_path(to);
    CHECK(rename(a, b) == 0);
    free(a);
    free(b);
}

/* ---- pictures ---- */

void own_picture_of(const char *name, int64_t w, int64_t h, int seed) {
    struct image im;
    struct bytes b;
    CHECK_OK(image_alloc(&im, h, w, 3));
    for (int64_t i = 0; i < h * w; i++) {
        int64_t x = i % w * 40 / w, y = i / w * 30 / h;
        im.at[3 * i] = (uint8_t)(40 * (seed % 6) + 2 * x);
        im.at[3 * i + 1] = (uint8_t)(seed % 2 ? 8 * y : 240 - 8 * y);
        im.at[3 * i + 2] = (uint8_t)(20 * seed + (x / (2 + seed) % 2 ? 60 : 0));
    }
    CHECK_OK(strstr(name, ".png") ? image_encode_png(&im, &b) : image_encode_jpeg(&im, 90, &b));
    own_put(name, b.at, b.n);
    bytes_free(&b);
    image_free(&im);
}

void own_pictures(void) {
    for (int i = 0; i < OWN_PICTURES; i++) {
        char *name = mem_format("images/p%02d.jpg", i);
        own_picture_of(name, OWN_W, OWN_H, i);
        free(name);
    }
}

/* ---- captions ---- */

const char *own_caption(int i) {
    static const char *const captions[] = {"a red car under the sky", "a tree in front of a house",
                                           "two dogs on the grass"};
    return captions[i % 3];
}

void own_captions_jsonl(void) {
    struct str s = {0};
    for (int i = 0; i < OWN_PICTURES; i++)
        str_add(&s, "{\"image\": \"p%02d.jpg\", \"caption\": \"%s\"}\n", i, own_caption(i));
    own_text("captions.jsonl", s.at);
    str_free(&s);
}

void own_captions_tsv(void) {
    struct str s = {0};
    str_add(&s, "filepath\ttitle\n");
    for (int i = 0; i < OWN_PICTURES; i++) str_add(&s, "p%02d.jpg\t%s\n", i, own_caption(i));
    own_text("captions.tsv", s.at);
    str_free(&s);
}

void own_captions_coco(void) {
    struct str s = {0};
    str_add(&s, "{\"images\":[");
    for (int i = 0; i < OWN_PICTURES; i++)
        str_add(&s, "%s{\"id\":%d,\"file_name\":\"p%02d.jpg\",\"height\":%d,\"width\":%d}",
                i ? "," : "", i + 1, i, OWN_H, OWN_W);
    str_add(&s, "],\"annotations\":[");
    for (int i = 0; i < OWN_PICTURES; i++)
        str_add(&s, "%s{\"id\":%d,\"image_id\":%d,\"caption\":\"%s\"}", i ? "," : "", i, i + 1,
                own_caption(i));
    str_add(&s, "]}\n");
    own_text("captions.json", s.at);
    str_free(&s);
}

void own_captions_texts(void) {
    for (int i = 0; i < OWN_PICTURES; i++) {
        char *name = mem_format("images/p%02d.txt", i), *text = mem_format("%s\n", own_caption(i));
        own_text(name, text);
        free(name);
        free(text);
    }
}

/* ---- masks ---- */

void own_mask_index(const char *name, int64_t w, int64_t h, int most) {
    struct labels l;
    struct bytes b;
    CHECK_OK(labels_alloc(&l, h, w));
    for (int64_t i = 0; i < h * w; i++) l.at[i] = (uint16_t)(i / w * (most + 1) / h);
    CHECK_OK(labels_encode_png(&l, &b));
    own_put(name, b.at, b.n);
    bytes_free(&b);
    labels_free(&l);
}

void own_masks_index(int n) {
    for (int i = 0; i < n; i++) {
        char *name = mem_format("masks/p%02d.png", i);
        own_mask_index(name, OWN_W, OWN_H, 2);
        free(name);
    }
    own_text("names.txt", "sky\ntree\nred car\n");
}

void own_masks_colour(int n) {
    for (int i = 0; i < n; i++) {
        struct image im;
        struct bytes b;
        char *name = mem_format("masks/p%02d.png", i);
        CHECK_OK(image_alloc(&im, OWN_H, OWN_W, 3));
        for (int64_t k = 0; k < OWN_H * OWN_W; k++)
            memcpy(im.at + 3 * k, colours[k / OWN_W * 3 / OWN_H], 3);
        CHECK_OK(image_encode_png(&im, &b));
        own_put(name, b.at, b.n);
        bytes_free(&b);
        image_free(&im);
        free(name);
    }
    own_text("names.csv", "name,r,g,b\nsky,70,130,180\ntree,0,128,0\nred car,220,20,60\n");
}

void own_masks_coco(int n) {
    struct str s = {0};
    str_add(&s, "{\"images\":[");
    for (int i = 0; i < n; i++)
        str_add(&s, "%s{\"id\":%d,\"file_name\":\"p%02d.jpg\",\"height\":%d,\"width\":%d}",
                i ? "," : "", i + 1, i, OWN_H, OWN_W);
    str_add(&s, "],\"annotations\":[");
    for (int i = 0; i < n; i++)
        str_add(&s,
                "%s{\"id\":%d,\"image_id\":%d,\"category_id\":%d,\"iscrowd\":0,\"area\":200,"
                "\"bbox\":[5,5,20,10],\"segmentation\":[[5,5,25,5,25,15,5,15]]}",
                i ? "," : "", i + 1, i + 1, 1 + i % 2);
    str_add(&s, "],\"categories\":[{\"id\":1,\"name\":\"sky\"},{\"id\":2,\"name\":\"tree\"}]}\n");
    own_text("instances.json", s.at);
    str_free(&s);
}

/* ---- the command, in this process: a row of a table costs no start of the program ---- */

static char *text_at(const char *path) {
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 20, &b));
    return (char *)b.at;
}

struct own_ended own_init(int (*command)(int, char **), const char *const *arguments) {
    enum { MOST = 24 };
    static char name[] = "ovseg init";
    char *images = own_path("images"), *out = own_path("out"), *argv[MOST] = {name};
    int argc = 1, files[2], saved[2] = {dup(STDOUT_FILENO), dup(STDERR_FILENO)};
    char *paths[2] = {test_path("said.out"), test_path("said.err")};
    static char option[] = "--images";
    char *const own[] = {out, option, images};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) argv[argc++] = own[i];
    struct strings given = {0}; /* argp puts argv into another order */
    for (; *arguments; arguments++) strings_add(&given, *arguments);
    CHECK(given.n + (size_t)argc < MOST);
    for (size_t i = 0; i < given.n; i++) argv[argc++] = given.at[i];
    fflush(NULL);
    for (int k = 0; k < 2; k++) {
        files[k] = open(paths[k], O_WRONLY | O_CREAT | O_TRUNC, 0600);
        CHECK(files[k] >= 0 && dup2(files[k], k + 1) == k + 1);
    }
    struct own_ended e = {.status = command(argc, argv)};
    fflush(NULL);
    for (int k = 0; k < 2; k++) {
        dup2(saved[k], k + 1);
        close(saved[k]);
        close(files[k]);
    }
    strings_free(&given);
    e.out = text_at(paths[0]);
    e.err = text_at(paths[1]);
    free(paths[0]);
    free(paths[1]);
    free(images);
    free(out);
    return e;
}

void own_ended_free(struct own_ended *e) {
    free(e->out);
    free(e->err);
}
