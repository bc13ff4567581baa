/* Captions a second on one core, for each backend of nouns.
 *
 * Usage: nouns_times [CAPTIONS [WEIGHTS]]; CAPTIONS is a text of captions, one a line, or a file of
 * tagged ones (its first field counts); the standard is the 110 of tests/data. WEIGHTS are those of
 * a tagger; without them the perceptron has weights of the size of NLTK's that mean nothing: all
 * features of the captions are among them, so that no look-up is spared.
 *
 * Timed in the thread's own seconds, all captions in turn until two seconds are over. The parser
 * keeps what it parsed last: for each round it is opened anew, untimed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "data/nouns.h"
#include "train/mine/tagger.h"

static double cpu_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int read_captions(const char *path, struct strings *out) {
    struct bytes file;
    int status = file_read(path, 1U << 30, &file);
    if (status) return status;
    for (char *s = (char *)file.at, *next; *s; s = next) {
        next = s + strcspn(s, "\n");
        if (*next) *next++ = '\0';
        s[strcspn(s, "\t")] = '\0';
        if (*s != '#') strings_add(out, s);
    }
    bytes_free(&file);
    return out->n ? 0 : error_set(ERR_DATA, "%s: no captions", path);
}

/* ---- a tagger of NLTK's size ---- */

enum { FEATURES = 75447, WEIGHTS = 271206, TAGS = 45 };

static int add_feature(struct perceptron *p, struct rng *r, const char *name) {
    if (text_index_find(&p->feature, name, strlen(name)) != TEXT_INDEX_NONE) return 0;
    int status = perceptron_feature(p, name, strlen(name));
    size_t first = (size_t)rng_below(r, TAGS),
           n = 3 + (size_t)rng_chance(r, WEIGHTS / (double)FEATURES - 3);
    for (size_t i = 0; !status && i < n; i++) {
        char tag[16];
        snprintf(tag, sizeof tag, "T%zu", (first + i) % TAGS);
        status = perceptron_weight(p, tag, strlen(tag), rng_uniform(r) - 0.5);
    }
    return status;
}

static int add_word(struct perceptron *p, struct rng *r, const char *word) {
    static const char *const kinds[] = {"i word", "i-1 word", "i-2 word", "i+1 word", "i+2 word"};
    static const char *const ends[] = {"i suffix", "i-1 suffix", "i+1 suffix"};
    size_t n = strlen(word);
    int status = 0;
    struct str name = {0};
    for (int k = 0; !status && k < 8; k++) {
        name.n = 0;
        if (k < 5)
            str_add(&name, "%s %s", kinds[k], word);
        else
            str_add(&name, "%s %s", ends[k - 5], n > 3 ? word + n - 3 : word);
        status = add_feature(p, r, name.at);
    }
    for (int t = 0; !status && t < TAGS; t++) {
        name.n = 0;
        str_add(&name, "i-1 tag+i word T%d %s", t, word);
        status = add_feature(p, r, name.at);
    }
    str_free(&name);
    return status;
}

static int make_tagger(struct perceptron *p, const struct strings *captions) {
    struct rng r = rng_stream(1, "bench.nouns", 0);
    struct strings token = {0};
    *p = (struct perceptron){0};
    for (size_t i = 0; i < captions->n; i++)
        nouns_tokenize(captions->at[i], strlen(captions->at[i]), false, &token);
    int status = add_feature(p, &r, "bias");
    for (size_t i = 0; !status && i < token.n; i++) status = add_word(p, &r, token.at[i]);
    for (int i = 0; !status && p->feature.n < FEATURES; i++) {
        char filler[48];
        snprintf(filler, sizeof filler, "i-1 tag+i word T0 w%d", i);
        status = add_feature(p, &r, filler);
    }
    for (int i = 0; !status && i < TAGS; i++) {
        char tag[16];
        snprintf(tag, sizeof tag, "T%d", i);
        status = perceptron_class(p, tag, strlen(tag));
    }
    strings_free(&token);
    return status ? status : perceptron_finish(p);
}

/* ---- tags of another program ---- */

static int make_tags(struct noun_tags *t, const struct strings *captions) {
    struct str text = {0};
    for (size_t i = 0; i < captions->n; i++) {
        struct strings token = {0};
        struct json_out j = {.to = &text};
        nouns_tokenize(captions->at[i], strlen(captions->at[i]), false, &token);
        json_object(&j);
        json_key(&j, "tokens");
        json_array(&j);
        for (size_t k = 0; k < token.n; k++) json_string(&j, token.at[k]);
        json_end(&j);
        json_key(&j, "nouns");
        json_array(&j);
        for (size_t k = 1; k < token.n; k += 3) json_int(&j, (int64_t)k);
        json_end(&j);
        json_end(&j);
        str_put(&text, "\n", 1);
        strings_free(&token);
    }
    char path[] = "/tmp/nouns_times.XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0) return error_set(ERR_IO, "%s: cannot make a file", path);
    close(fd);
    int status = file_write(path, text.at, text.n);
    if (!status) status = noun_tags_read(t, path);
    unlink(path);
    str_free(&text);
    return status;
}

/* ---- timing ---- */

static int time_backend(const char *name, const struct nouns_options *o,
                        const struct strings *captions) {
    struct noun_list found = {0};
    double took = 0;
    size_t done = 0, nouns = 0;
    int status = 0;
    while (!status && took < 2) {
        struct nouns n;
        status = nouns_open(&n, o);
        if (status) break;
        double start = cpu_s();
        for (size_t i = 0; !status && i < captions->n; i++) {
            const char *text = captions->at[i];
            struct noun_caption c = {text, strlen(text), (int64_t)i, (int64_t)i};
            status = nouns_find(&n, &c, &found);
            nouns += found.n;
        }
        done += captions->n;
        took += cpu_s() - start;
        nouns_close(&n);
    }
    if (status == ERR_DEVICE) { /* a build without it */
        printf("%-13s %s\n", name, error_message());
        error_clear();
        return 0;
    }
    if (!status)
        printf("%-13s %9.0f captions/s, %.1f nouns a caption\n", name, (double)done / took,
               (double)nouns / (double)done);
    noun_list_free(&found);
    return status;
}

int main(int argc, char **argv) {
    struct strings captions = {0};
    struct perceptron tagger = {0};
    struct noun_tags tags = {0};
    int status = read_captions(argc > 1 ? argv[1] : "tests/data/nouns110.tsv", &captions);
    if (!status)
        status = argc > 2 ? tagger_read(&tagger, argv[2]) : make_tagger(&tagger, &captions);
    if (!status) status = make_tags(&tags, &captions);
    struct nouns_options o = {.tagger = &tagger, .tags = &tags};
    static const char *const names[] = {"link-grammar", "perceptron", "tags"};
    for (int i = 0; !status && i < 3; i++) {
        o.backend = (enum nouns_backend)i;
        status = time_backend(names[i], &o, &captions);
    }
    if (status) fprintf(stderr, "nouns_times: %s\n", error_message());
    perceptron_close(&tagger);
    noun_tags_free(&tags);
    strings_free(&captions);
    return status;
}
