#include "data/polygon.h"

#include "base/hash.h"
#include "tests/test.h"

static void fill_golden(FILE *f, int line, struct mask *m, size_t n) {
    int32_t *xy = mem_alloc(2 * n, sizeof *xy);
    for (size_t i = 0; i < 2 * n; i++) {
        double v;
        CHECK_INT(fscanf(f, "%lf", &v), 1);
        if (!polygon_snap(v, &xy[i])) test_fail(__FILE__, __LINE__, "line %d: %g", line, v);
    }
    CHECK_OK(polygon_fill(xy, n, m));
    free(xy);
}

TEST(random_polygons_equal_pycocotools_pixel_by_pixel) {
    char *path = test_source("tests/golden/polygons.txt");
    FILE *f = fopen(path, "r");
    CHECK(f);
    long long h, w;
    char hex[17];
    size_t n;
    int lines = 0;
    while (fscanf(f, "%lld %lld %16s %zu", &h, &w, hex, &n) == 4) {
        struct mask m;
        uint64_t want;
        CHECK_OK(mask_alloc(&m, h, w));
        CHECK_OK(hash_parse(hex, &want));
        fill_golden(f, ++lines, &m, n);
        if (hash_bytes(m.at, (size_t)(h * w)) != want)
            test_fail(__FILE__, __LINE__, "polygon of line %d differs", lines);
        mask_free(&m);
    }
    CHECK_INT(lines, 200);
    fclose(f);
    free(path);
}

static void corners(const double *xy, size_t n, int32_t *out) {
    for (size_t i = 0; i < 2 * n; i++) CHECK(polygon_snap(xy[i], &out[i]));
}

TEST(polygons_add_to_what_is_set) {
    struct mask m;
    int32_t xy[8];
    CHECK_OK(mask_alloc(&m, 10, 10));
    corners((double[]){1, 1, 4, 1, 4, 4, 1, 4}, 4, xy);
    CHECK_OK(polygon_fill(xy, 4, &m));
    CHECK_INT(mask_area(&m), 9);
    corners((double[]){3, 3, 6, 3, 6, 6, 3, 6}, 4, xy);
    CHECK_OK(polygon_fill(xy, 4, &m));
    CHECK_INT(mask_area(&m), 17);
    struct box b;
    CHECK(mask_box(&m, &b));
    CHECK(b.x0 == 1 && b.y0 == 1 && b.x1 == 6 && b.y1 == 6);
    mask_free(&m);
}

TEST(senseless_polygons_are_errors) {
    struct mask m;
    int32_t v, line[4] = {0, 0, 5, 5};
    CHECK_OK(mask_alloc(&m, 4, 4));
    CHECK(!polygon_snap(NAN, &v));
    CHECK(!polygon_snap(INFINITY, &v));
    CHECK(!polygon_snap(-1e300, &v));
    CHECK_ERROR(polygon_fill(line, 2, &m), ERR_DATA, "2 corners");
    enum { N = 200 };
    int32_t *zigzag = mem_alloc(2 * N, sizeof *zigzag);
    for (int i = 0; i < 2 * N; i++) zigzag[i] = (i / 2) % 2 ? POLYGON_LIMIT - 1 : 1 - POLYGON_LIMIT;
    CHECK_ERROR(polygon_fill(zigzag, N, &m), ERR_DATA, "too long");
    free(zigzag);
    mask_free(&m);
}
