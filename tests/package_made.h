/* Model packages of a narrow whole model with random weights, for tests of what reads them. */
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "checkpoints/sealed.h"
#include "data/image.h"
#include "tests/torch.h"
#include "tests/whole_made.h"
#include "train/package/package.h"
#include "train/package/package_write.h"

static inline char *made_whole(void) { return made_whole_as("whole.safetensors"); }

static struct override made_settings[] = {
    {.key = (char *)"clip.activation", .value = (char *)"quickgelu"},
    {.key = (char *)"MODEL.BACKBONE.NAME", .value = (char *)"build_resnet_backbone"},
    {.key = (char *)"INPUT.MIN_SIZE_TEST", .value = (char *)"64"},
};

static inline struct model_options made_model(const char *file) {
    return (struct model_options){.command = "the test",
                                  .name = file,
                                  .overrides = made_settings,
                                  .n_overrides = sizeof made_settings / sizeof *made_settings};
}

/* test_dir()/NAME of such a file. Owned. */
static inline char *made_package(const char *file, const char *name) {
    struct package_request r = {.model = made_model(file), .out = test_path(name)};
    struct package_made made;
    CHECK_OK(package_write(&r, &made));
    CHECK(made.bytes > 0);
    package_made_free(&made);
    return (char *)r.out;
}

/* 70 x 48 pixels, no two rows alike. */
static inline void made_picture(struct image *im) {
    CHECK_OK(image_alloc(im, 48, 70, 3));
    for (int64_t i = 0; i < 48 * 70 * 3; i++) im->at[i] = (uint8_t)(i * 7 % 251);
}

/* Another text in the place of a file of a package, and its manifest made true again: what somebody
 * does who means harm. */
static inline void replace_sealed(const char *dir, const char *name, const char *text) {
    struct manifest m;
    CHECK_OK(manifest_read(&m, MANIFEST_PACKAGE, dir));
    for (size_t i = 0; i < m.n; i++)
        if (strcmp(m.file[i].name, name) == 0) {
            m.file[i].size = strlen(text);
            m.file[i].hash = hash_bytes(text, strlen(text));
        }
    char *path = path_join(dir, name);
    CHECK_OK(file_write(path, text, strlen(text)));
    CHECK_OK(sealed_close(dir, &m));
    manifest_free(&m);
    free(path);
}
