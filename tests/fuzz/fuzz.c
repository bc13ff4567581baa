#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { TARGETS_MAX = 64 };
static const struct fuzz_target *targets[TARGETS_MAX];
static size_t n_targets;
static char *dir;

void fuzz_register(const struct fuzz_target *t) {
    REQUIRE(n_targets < TARGETS_MAX, "more than %d targets", TARGETS_MAX);
    targets[n_targets++] = t;
}

const struct fuzz_target *fuzz_find(const char *name) {
    for (size_t i = 0; i < n_targets; i++)
        if (strcmp(targets[i]->name, name) == 0) return targets[i];
    fprintf(stderr, "no target %s; there are", name);
    for (size_t i = 0; i < n_targets; i++) fprintf(stderr, " %s", targets[i]->name);
    fputc('\n', stderr);
    return NULL;
}

int fuzz_one(const struct fuzz_target *t, const uint8_t *data, size_t n) {
    /* Memory of just that size: the first byte behind it is found. */
    uint8_t *exact = malloc(n ? n : 1);
    REQUIRE(exact, "%zu bytes", n);
    if (n) memcpy(exact, data, n);
    int status = t->run(exact, n);
    free(exact);
    REQUIRE(status == error_status(), "returned %d, but %d is pending: %s", status, error_status(),
            error_message());
    bool documented = !status;
    for (size_t i = 0; i < 4 && t->codes[i]; i++) documented |= status == t->codes[i];
    REQUIRE(documented, "status %d: %s", status, error_message());
    REQUIRE(!status || *error_message(), "status %d without a message", status);
    error_clear();
    return status;
}

void corpus_add(struct corpus *c, const void *data, size_t n) {
    c->at = mem_grow(c->at, &c->cap, c->n + 1, sizeof *c->at);
    c->at[c->n] = (struct bytes){.at = mem_alloc(n, 1), .n = n};
    if (n) memcpy(c->at[c->n].at, data, n);
    c->n++;
}

void corpus_add_text(struct corpus *c, const char *text) { corpus_add(c, text, strlen(text)); }

void corpus_add_file(struct corpus *c, const char *path) {
    char *full = path_join(TEST_SOURCE_DIR, path);
    struct bytes b;
    REQUIRE(!file_read(full, FUZZ_MAX, &b), "%s", error_message());
    corpus_add(c, b.at, b.n);
    bytes_free(&b);
    free(full);
}

void corpus_free(struct corpus *c) {
    for (size_t i = 0; i < c->n; i++) bytes_free(&c->at[i]);
    free(c->at);
    *c = (struct corpus){0};
}

char *fuzz_text(const uint8_t *data, size_t n) {
    char *text = mem_alloc(n + 1, 1);
    if (n) memcpy(text, data, n);
    return text;
}

const char *fuzz_dir(void) {
    if (!dir) {
        const char *tmp = getenv("TMPDIR");
        if (access("/dev/shm", W_OK) == 0) tmp = "/dev/shm";
        dir = mem_format("%s/ovseg-fuzz-XXXXXX", tmp ? tmp : "/tmp");
        REQUIRE(mkdtemp(dir), "cannot make %s", dir);
    }
    return dir;
}

char *fuzz_path(const char *name) { return path_join(fuzz_dir(), name); }

void fuzz_dir_remove(void) {
    if (dir) dir_remove(dir);
    free(dir);
    dir = NULL;
}

/* A sample may be damaged, and says so. */
static bool sample_read(int status) {
    REQUIRE(status == error_status() && (!status || *error_message()), "status %d, pending %d",
            status, error_status());
    REQUIRE(!status || status == ERR_DATA || status == ERR_MISSING, "%d %s", status,
            error_message());
    error_clear();
    return !status;
}

void fuzz_dataset(const struct dataset *d) {
    for (int64_t i = 0; i < d->n_images; i++) {
        struct labels l;
        struct image im;
        if (sample_read(d->source->image(d, i, &im))) image_free(&im);
        if (sample_read(d->source->labels(d, i, &l))) {
            for (int64_t p = 0; p < l.h * l.w; p++)
                REQUIRE(l.at[p] < d->n_classes || l.at[p] == d->ignore, "label %d", l.at[p]);
            labels_free(&l);
        }
        REQUIRE(d->caption_at[i] <= d->caption_at[i + 1], "captions run backwards");
    }
    REQUIRE(d->caption_at[d->n_images] == d->n_captions, "captions without a picture");
    for (int64_t i = 0; i < d->n_captions; i++)
        REQUIRE(d->caption[i], "caption %lld", (long long)i);
}
