/* Times the text bank of ViT-B/16's tower: a slice of nouns in the 14 ViLD templates, random
 * weights, and from it, in proportion, the 27,000 nouns of five captions a picture.
 *
 * Usage: text_bank_times [THREADS [NOUNS]]; the standard is all cores and 512 nouns. A noun has 1.6
 * tokens on average, as mined ones have. Ways: texts cut at the end token (bit-equal), behind
 * shared starts (<= 1e-6), and those in bfloat16; the features' differences are printed with them.
 */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "eval/class_text.h"

enum { ALL = 27000 };

/* Words of one token. */
static const char *const words[] = {
    "dog",    "cat",     "man",    "woman",  "street",  "tree",  "car",      "table",    "window",
    "bus",    "train",   "horse",  "water",  "beach",   "plate", "food",     "grass",    "field",
    "sky",    "road",    "wall",   "door",   "chair",   "bed",   "girl",     "boy",      "people",
    "group",  "kitchen", "room",   "clock",  "tower",   "sign",  "light",    "phone",    "ball",
    "game",   "park",    "snow",   "ocean",  "bridge",  "river", "mountain", "building", "house",
    "church", "market",  "boat",   "plane",  "airport", "fire",  "metal",    "wood",     "glass",
    "stone",  "paper",   "flower", "garden", "bird",    "cow"};
enum { WORDS = sizeof words / sizeof *words };

/* 1, 1, 2, 1 and 3 words in turn. Short ones repeat: each is computed all the same. */
static char *noun_of(int64_t i) {
    static const int lengths[] = {1, 1, 2, 1, 3};
    int64_t at = i;
    struct str s = {0};
    for (int k = 0; k < lengths[i % 5]; k++, at = at / WORDS + 7 * i)
        str_add(&s, "%s%s", k ? " " : "", words[at % WORDS]);
    return s.at;
}

struct way {
    const char *name;
    bool shared_starts;
    int precision;
};

static tensor *run(const struct clip *c, const struct way *w, char *const *nouns, int64_t n,
                   double *seconds) {
    char *vild[] = {(char[]){"vild"}};
    struct text_options o = {.templates = {.at = vild, .n = 1},
                             .shared_starts = w->shared_starts,
                             .precision = w->precision};
    double start = clock_s();
    struct class_encoder e;
    int status = class_encoder_open(&e, c, &o);
    tensor *x = status ? NULL : class_text_of_nouns(&e, nouns, n); /* [n, D] */
    class_encoder_close(&e);
    *seconds = clock_s() - start;
    return x;
}

static int time_all(const struct clip *c, char *const *nouns, int64_t n) {
    static const struct way ways[] = {{"cut at the end", false, PRECISION_FP32},
                                      {"shared starts", true, PRECISION_FP32},
                                      {"shared starts, bf16", true, PRECISION_BF16}};
    tensor *exact = NULL;
    double seconds;
    run(c, &ways[1], nouns, 16, &seconds); /* pages and kernels are there from now on */
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        tensor *x = run(c, &ways[i], nouns, n, &seconds);
        if (!i) exact = x;
        tensor *apart = t_amax(t_reshape(t_abs(t_sub(x, exact)), SHAPE(-1)), 0, false);
        double worst = t_item(apart);
        if (error_status()) return error_status();
        printf("%-20s %6lld nouns in %6.1f s, %d of them: %5.1f min; at most %.1e apart\n",
               ways[i].name, (long long)n, seconds, ALL, seconds / (double)n * ALL / 60, worst);
    }
    return 0;
}

int main(int argc, char **argv) {
    mem_keep_pages();
    int threads = argc > 1 ? (int)strtol(argv[1], NULL, 10) : omp_get_num_procs();
    int64_t n = argc > 2 ? strtoll(argv[2], NULL, 10) : 512;
    char **nouns = mem_alloc((size_t)n, sizeof *nouns);
    for (int64_t i = 0; i < n; i++) nouns[i] = noun_of(i);
    struct params params = {0};
    struct clip c = {0};
    struct clip_options o;
    t_set_threads(threads);
    int scope = t_scope_open("bench", T_NO_GRAD | T_EVAL);
    int status = clip_options_named("ViT-B/16", &o);
    o.text.cut_at_end = true;
    if (!status) clip_init(&c, params_root(&params), &o);
    printf("ViT-B/16's text tower, 14 templates, %d threads\n", threads);
    if (!status) status = time_all(&c, nouns, n);
    if (status) fprintf(stderr, "text_bank_times: %s\n", error_message());
    t_scope_close(scope, NULL);
    clip_free(&c);
    params_free(&params);
    for (int64_t i = 0; i < n; i++) free(nouns[i]);
    free(nouns);
    return status;
}
