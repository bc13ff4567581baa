/* A picture segmented with libovseg (ovseg.h).
 *
 *     cc segment.c $(pkg-config --cflags --libs ovseg) -o segment
 *     ./segment MODEL.ovseg "sky,a red car,grass" IN.ppm OUT.pgm
 *
 * IN.ppm is a binary PPM of 8 bits (P6); OUT.pgm, binary too, has the index of a name in each
 * pixel, in 16 bits when there are more than 256.
 */
#include <ovseg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 1000 };

static void die(const char *what) {
    fprintf(stderr, "segment: %s\n", what);
    exit(1);
}

static uint8_t *read_picture(const char *path, size_t *height, size_t *width) {
    FILE *f = fopen(path, "rb");
    if (!f) die("IN.ppm cannot be read");
    if (fscanf(f, "P6 %zu %zu 255", width, height) != 2 || fgetc(f) == EOF || !*width || !*height ||
        *width > 16384 || *height > 16384)
        die("IN.ppm is no binary PPM of 8 bits");
    size_t n = 3 * *height * *width;
    uint8_t *rgb = malloc(n);
    if (!rgb || fread(rgb, 1, n, f) != n) die("IN.ppm is too short");
    fclose(f);
    return rgb;
}

static void write_labels(const char *path, const uint16_t *labels, size_t height, size_t width,
                         int most) {
    FILE *f = fopen(path, "wb");
    if (!f) die("OUT.pgm cannot be written");
    fprintf(f, "P5\n%zu %zu\n%d\n", width, height, most);
    for (size_t i = 0; i < height * width; i++) {
        if (most > 255) fputc(labels[i] >> 8, f);
        fputc(labels[i] & 255, f);
    }
    if (fclose(f)) die("OUT.pgm cannot be written");
}

static size_t split(char *text, const char **names) {
    size_t n = 0;
    while (text && n < NAMES_MAX) {
        names[n++] = text;
        text = strchr(text, ',');
        if (text) *text++ = '\0';
    }
    return n;
}

int main(int argc, char **argv) {
    if (argc != 5) die("usage: segment MODEL.ovseg NAMES IN.ppm OUT.pgm");
    const char *names[NAMES_MAX];
    size_t height, width, n = split(argv[2], names);
    uint8_t *rgb = read_picture(argv[3], &height, &width);
    uint16_t *labels = malloc(height * width * sizeof *labels);
    ovseg *model;
    if (!labels) die("out of memory");
    if (ovseg_open(&model, argv[1], NULL)) die(ovseg_error(NULL));
    if (ovseg_set_names(model, names, n)) die(ovseg_error(model));
    if (ovseg_segment(model, rgb, height, width, 3 * width, labels, NULL)) die(ovseg_error(model));
    write_labels(argv[4], labels, height, width, n > 256 ? 65535 : 255);
    ovseg_close(model);
    free(labels);
    free(rgb);
    return 0;
}
