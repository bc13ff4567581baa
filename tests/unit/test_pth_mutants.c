/* Mutants of the files that PyTorch wrote. OVSEG_MUTANTS=2000 asks for more of them.
 *
 * ctest: timeout=600 */
#include <sys/resource.h>
#include <time.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"
#include "checkpoints/pth.h"
#include "tests/unit/zip_made.h"

struct loaded {
    size_t n;
    uint64_t hash; /* of names, types, shapes and values */
};

/* 0, or an error with a message that names the file. */
static int load(const char *path, struct loaded *out) {
    struct pth f;
    int status = pth_open(&f, path, NULL);
    struct hasher h;
    hasher_open(&h);
    for (size_t i = 0; !status && i < f.table.n; i++) {
        const struct st_tensor *x = &f.table.at[i];
        char shape[128];
        st_shape_text(x->shape, shape, sizeof shape);
        uint8_t *data = mem_try((size_t)x->bytes + 1, 1);
        status = data ? pth_read(&f, x, data) : error_status();
        hasher_add_string(&h, x->name);
        hasher_add_string(&h, st_dtype_name(x->dtype));
        hasher_add_string(&h, shape);
        if (!status) hasher_add(&h, data, (size_t)x->bytes);
        free(data);
    }
    if (!status) out->n = f.table.n;
    pth_close(&f);
    out->hash = hasher_close(&h);
    return status;
}

static void set_little(uint8_t *p, int width, uint64_t x) {
    for (int i = 0; i < width; i++) p[i] = (uint8_t)(x >> (8 * i));
}

/* A copy of b with one kind of damage, owned. */
static struct bytes mutate(struct rng *r, const struct bytes *b) {
    struct bytes m = {mem_alloc(2 * b->n + 1, 1), b->n};
    memcpy(m.at, b->at, b->n);
    size_t n = 1 + (size_t)rng_below(r, 200), at = (size_t)rng_below(r, (int64_t)b->n);
    size_t to = (size_t)rng_below(r, (int64_t)b->n);
    if (n > b->n - at) n = b->n - at;
    static const uint64_t odd[] = {0, 1, 0x7f, 0x80, 0xffff, 0x7fffffff, 0xffffffff, UINT64_MAX};
    switch (rng_below(r, 8)) {
    case 0: m.at[at] ^= (uint8_t)(1 << rng_below(r, 8)); break;
    case 1:
        for (int i = 0; i < 4; i++) m.at[rng_below(r, (int64_t)b->n)] = (uint8_t)rng_below(r, 256);
        break;
    case 2: m.n = at; break; /* cut */
    case 3:                  /* a piece is missing */
        memmove(m.at + at, m.at + at + n, b->n - at - n);
        m.n -= n;
        break;
    case 4: /* a piece is there twice */
        memmove(m.at + at + n, m.at + at, b->n - at);
        m.n += n;
        break;
    case 5: memmove(m.at + (to < b->n - n ? to : 0), b->at + at, n); break; /* over another */
    case 6: memset(m.at + at, 0, n); break;
    default: { /* a number of 2, 4 or 8 bytes */
        int width = 2 << rng_below(r, 3);
        if (b->n - at >= (size_t)width) set_little(m.at + at, width, odd[rng_below(r, 8)]);
    }
    }
    return m;
}

static size_t how_many(void) {
    const char *n = getenv("OVSEG_MUTANTS");
    return n ? (size_t)strtoul(n, NULL, 10) : 300;
}

struct tally {
    size_t refused, equal, other;
    double slowest;
};

/* Loads one mutant. `sums`: the file has checksums, so what loads must be what was written. */
static void judge(const struct bytes *m, const struct loaded *good, bool sums, const char *what,
                  struct tally *t) {
    char *path = made_file("mutant", m->at, m->n);
    struct loaded l = {0};
    clock_t start = clock();
    int status = load(path, &l);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    if (seconds > t->slowest) t->slowest = seconds;
    if (status) {
        if (!strstr(error_message(), path) || (status != ERR_DATA && status != ERR_CONFIG))
            test_fail(__FILE__, __LINE__, "%s: %d \"%s\"", what, status, error_message());
        error_clear();
        t->refused++;
    } else if (l.n == good->n && l.hash == good->hash) {
        t->equal++;
    } else {
        if (sums) test_fail(__FILE__, __LINE__, "%s: loads with other contents", what);
        t->other++;
    }
    free(path);
}

static long peak_kb(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

static void mutate_file(const char *name, bool sums) {
    char *relative = mem_format("tests/data/pth/%s", name), *path = test_source(relative);
    struct bytes b;
    struct loaded good;
    struct tally t = {0};
    long before = peak_kb();
    CHECK_OK(file_read(path, 1 << 20, &b));
    CHECK_OK(load(path, &good));
    for (size_t i = 0; i < how_many(); i++) {
        struct rng r = rng_stream(1, name, i);
        struct bytes m = mutate(&r, &b);
        char what[64];
        snprintf(what, sizeof what, "%s, mutant %zu", name, i);
        judge(&m, &good, sums, what, &t);
        bytes_free(&m);
    }
    printf("%s: %zu refused, %zu equal, %zu others; slowest %.3f s, %ld KiB more\n", name,
           t.refused, t.equal, t.other, t.slowest, peak_kb() - before);
    CHECK(t.refused > how_many() / 4);
    CHECK(t.slowest < 1);
#if !defined(__SANITIZE_ADDRESS__) /* it keeps freed memory */
    CHECK(peak_kb() - before < 256 << 10);
#endif
    bytes_free(&b);
    free(path);
    free(relative);
}

TEST(mutants_of_archives_are_refused_or_load_bit_equal) {
    mutate_file("archive.pth", true);
    mutate_file("module.pth", true);
    mutate_file("script.pt", true);
}

TEST(mutants_of_files_without_checksums_are_refused_or_load_within_bounds) {
    mutate_file("stream.pth", false);
    mutate_file("arrays4.pkl", false);
    mutate_file("tensors.pkl", false);
}

/* The pickle of an archive with another byte in it, and the checksums made to agree. */
TEST(mutants_with_right_checksums_load_within_bounds) {
    char *path = test_source("tests/data/pth/archive.pth");
    struct bytes b;
    struct loaded good;
    struct tally t = {0};
    struct input in;
    struct zip z;
    CHECK_OK(file_read(path, 1 << 20, &b));
    CHECK_OK(load(path, &good));
    CHECK_OK(input_open(&in, path));
    CHECK_OK(zip_open(&z, &in));
    const struct zip_entry *e = zip_find(&z, "archive/data.pkl");
    CHECK(e);
    uint8_t sum[4], *central = NULL;
    set_little(sum, 4, e->crc);
    for (size_t i = e->data + e->bytes + 16; !central && i + 4 < b.n; i++)
        if (memcmp(b.at + i, sum, 4) == 0) central = b.at + i;
    CHECK(central);
    for (size_t i = 0; i < how_many(); i++) {
        struct rng r = rng_stream(2, "opcodes", i);
        struct bytes m = {mem_alloc(b.n, 1), b.n};
        memcpy(m.at, b.at, b.n);
        for (int64_t k = rng_below(&r, 3); k >= 0; k--)
            m.at[e->data + (uint64_t)rng_below(&r, (int64_t)e->bytes)] =
                (uint8_t)rng_below(&r, 256);
        uint32_t crc = made_sum((char *)m.at + e->data, (size_t)e->bytes);
        set_little(m.at + (central - b.at), 4, crc);
        set_little(m.at + e->data + e->bytes + 4, 4, crc);
        judge(&m, &good, false, "opcodes", &t);
        bytes_free(&m);
    }
    printf("opcodes: %zu refused, %zu equal, %zu others; slowest %.3f s\n", t.refused, t.equal,
           t.other, t.slowest);
    CHECK(t.refused > how_many() / 4 && t.slowest < 1);
    zip_close(&z);
    input_close(&in);
    bytes_free(&b);
    free(path);
}
