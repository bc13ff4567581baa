#include "train/evaluation/result_full.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/figure.h"
#include "base/mem.h"
#include "base/utf8.h"

static const cJSON *item(const cJSON *o, const char *key) {
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

static double number(const cJSON *x) { return cJSON_IsNumber(x) ? x->valuedouble : NAN; }

static const char *text(const cJSON *x) { return cJSON_IsString(x) ? x->valuestring : "?"; }

const char *result_model(const cJSON *row) { return text(item(row, "name")); }

const char *result_title(const char *model) {
    static const char *const titles[][2] = {
        {"raw", "raw CLIP"}, {"mpt", "MPT only"}, {"ft", "FT only"}, {"ft+mpt", "FT+MPT"}};
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (strcmp(titles[i][0], model) == 0) return titles[i][1];
    return model;
}

double result_figure(const cJSON *row, const char *key) {
    return number(item(item(item(row, "metrics"), "all"), key));
}

static const cJSON *rows_of(const cJSON *json) { return item(json, "rows"); }

static void print_label(FILE *to, const char *label) { fprintf(to, "%-42s", label); }

static void print_figure(FILE *to, const cJSON *x) {
    fprintf(to, " %9s", figure_text(number(x), 2).at);
}

/* A line of figures, one of each model: ROW.group.part.key */
static void print_line(FILE *to, const cJSON *json, const char *label, const char *group,
                       const char *part, const char *key) {
    const cJSON *row;
    print_label(to, label);
    cJSON_ArrayForEach(row, rows_of(json)) {
        const cJSON *x = item(row, group);
        if (part) x = item(x, part);
        print_figure(to, key ? item(x, key) : x);
    }
    fprintf(to, "\n");
}

static bool has(const cJSON *json, const char *group) {
    return item(cJSON_GetArrayItem(rows_of(json), 0), group);
}

static void print_metrics(FILE *to, const cJSON *json) {
    static const char *const lines[][3] = {
        {"mIoU, classes in truth or predicted", "all", "miou"},
        {"mIoU, classes in the truth", "all", "miou_truth"},
        {"mIoU, all classes", "all", "miou_all"},
        {"fwIoU", "all", "fwiou"},
        {"mACC", "all", "macc"},
        {"pACC", "all", "pacc"},
        {"mIoU of seen classes", "seen", "miou"},
        {"mIoU of unseen classes", "unseen", "miou"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        print_line(to, json, lines[i][0], "metrics", lines[i][1], lines[i][2]);
    print_line(to, json, "hIoU, harmonic mean of seen and unseen", "metrics", "hiou", NULL);
}

static double subset_figure(const cJSON *row, int i, const char *before, const char *name) {
    char *key = mem_format("%s%s", before, name);
    const cJSON *subset = cJSON_GetArrayItem(item(item(row, "metrics"), "subsets"), i);
    double x = number(item(subset, key));
    free(key);
    return x;
}

static void print_subsets(FILE *to, const cJSON *json) {
    static const char *const figures[] = {"mIoU-", "pAcc-", "mIoU-un", "pAcc-un"};
    const cJSON *row, *first = cJSON_GetArrayItem(rows_of(json), 0);
    const cJSON *subsets = item(item(first, "metrics"), "subsets");
    for (int i = 0; i < cJSON_GetArraySize(subsets); i++) {
        const char *name = text(item(cJSON_GetArrayItem(subsets, i), "name"));
        for (size_t k = 0; k <= sizeof figures / sizeof *figures; k++) {
            bool last = k == sizeof figures / sizeof *figures;
            char *label = mem_format("%s%s", last ? "hIoU " : figures[k], name);
            print_label(to, label);
            cJSON_ArrayForEach(row, rows_of(json)) {
                double x = last ? subset_figure(row, i, "hIoU", "")
                                : subset_figure(row, i, figures[k], name);
                fprintf(to, " %9s", figure_text(x, 2).at);
            }
            fprintf(to, "\n");
            free(label);
        }
    }
}

/* What says more than names that are the same letter by letter. */
static void print_beside(FILE *to, const cJSON *json) {
    if (has(json, "open")) {
        const cJSON *settings = item(item(json, "protocol"), "settings");
        char *label =
            mem_format("open mIoU, likeness by %s", text(item(settings, "measure.similarity")));
        print_line(to, json, label, "open", "all", "miou");
        free(label);
    }
    if (has(json, "groups")) print_line(to, json, "group mIoU", "groups", "miou", NULL);
    if (has(json, "masks")) {
        print_line(to, json, "masks found (IoU >= 0.5), rightly named", "masks", "all",
                   "found_right");
        print_line(to, json, "masks found, misnamed", "masks", "all", "found_misnamed");
        print_line(to, json, "masks not found", "masks", "all", "not_found");
    }
    if (has(json, "oracle_true_masks"))
        print_line(to, json, "oracle: true masks, CLIP's names: mIoU", "oracle_true_masks", "all",
                   "miou");
    const cJSON *names = item(item(json, "oracle_best_names"), "all");
    if (names)
        fprintf(to, "%-42s %9s\n", "oracle: proposals, best names: mIoU",
                figure_text(number(item(names, "miou")), 2).at);
}

static void print_search(FILE *to, const cJSON *json) {
    const cJSON *search = item(json, "search");
    fprintf(to, "%s: %s\n", text(item(search, "set")), text(item(search, "remark")));
}

static void print_grid(FILE *to, const cJSON *json) {
    const cJSON *first = item(cJSON_GetArrayItem(rows_of(json), 0), "grid"), *row;
    if (!first) return;
    fprintf(to, "\nmask threshold, lambda: mIoU\n");
    for (int i = 0; i < cJSON_GetArraySize(first); i++) {
        const cJSON *point = cJSON_GetArrayItem(first, i);
        fprintf(to, "%20.3f %20.3f ", number(item(point, "mask_threshold")),
                number(item(point, "lambda")));
        cJSON_ArrayForEach(row, rows_of(json)) {
            const cJSON *x = cJSON_GetArrayItem(item(row, "grid"), i);
            print_figure(to, item(item(item(x, "metrics"), "all"), "miou"));
        }
        fprintf(to, "\n");
    }
    print_search(to, json);
}

static void print_min_score(FILE *to, const cJSON *json) {
    const cJSON *row, *first = item(cJSON_GetArrayItem(rows_of(json), 0), "min_score");
    if (!first) return;
    fprintf(to, "\n--min-score S that fits best, by %s pixels\n", text(item(first, "pixels")));
    fprintf(to, "%-42s", "S");
    cJSON_ArrayForEach(row, rows_of(json))
        fprintf(to, " %9s", figure_text(number(item(item(row, "min_score"), "fitted")), 3).at);
    fprintf(to, "\n");
    print_line(to, json, "mIoU with it, classes in the truth", "min_score", NULL, "miou");
    print_line(to, json, "mIoU without", "min_score", NULL, "miou_without");
    print_search(to, json);
}

struct class_figure {
    double iou;
    int k;
};

static int by_iou(const void *a, const void *b) {
    const struct class_figure *x = a, *y = b;
    if (x->iou != y->iou) return x->iou < y->iou ? 1 : -1;
    return x->k - y->k;
}

static void print_class(FILE *to, const cJSON *json, struct class_figure f) {
    fprintf(to, "  %7.2f  %s\n", f.iou, text(cJSON_GetArrayItem(item(json, "classes"), f.k)));
}

/* The best and the worst classes of a model; those that are not in the truth have no IoU. */
static void print_classes(FILE *to, const cJSON *json, const cJSON *row, int64_t lines) {
    const cJSON *x, *iou = item(row, "class_iou");
    struct class_figure *f = mem_alloc((size_t)cJSON_GetArraySize(iou), sizeof *f);
    int64_t n = 0;
    int k = 0;
    cJSON_ArrayForEach(x, iou) {
        if (cJSON_IsNumber(x)) f[n++] = (struct class_figure){x->valuedouble, k};
        k++;
    }
    if (n) qsort(f, (size_t)n, sizeof *f, by_iou);
    bool all = n <= 2 * lines;
    fprintf(to, "\n%s: IoU of %s classes\n", result_model(row), all ? "the" : "the best");
    for (int64_t i = 0; i < (all ? n : lines); i++) print_class(to, json, f[i]);
    if (!all) fprintf(to, "%s: IoU of the worst classes\n", result_model(row));
    for (int64_t i = n - lines; !all && i < n; i++) print_class(to, json, f[i]);
    free(f);
}

static void print_pairs(FILE *to, const cJSON *row, int64_t lines) {
    const cJSON *pairs = item(row, "confused"), *p;
    int64_t n = 0;
    if (!cJSON_GetArraySize(pairs)) return;
    fprintf(to, "%s: names taken for others, percent of their pixels\n", result_model(row));
    cJSON_ArrayForEach(p, pairs) {
        if (n++ == lines) break;
        fprintf(to, "  %7.2f  %s, called %s", number(item(p, "percent_of_truth")),
                text(item(p, "truth")), text(item(p, "called")));
        if (item(p, "similarity")) fprintf(to, " (similarity %.2f)", number(item(p, "similarity")));
        fprintf(to, "\n");
    }
}

static void print_model(FILE *to, const char *name) {
    enum { WIDTH = 9 };
    size_t n = strlen(name);
    if (n > WIDTH) n = utf8_whole(name, WIDTH);
    fprintf(to, " %*s%.*s", (int)(WIDTH - n), "", (int)n, name);
}

void result_print_full(const cJSON *json, int64_t lines, FILE *to) {
    const cJSON *row;
    fprintf(to, "\n");
    print_label(to, "percent");
    cJSON_ArrayForEach(row, rows_of(json)) print_model(to, result_model(row));
    fprintf(to, "\n");
    print_metrics(to, json);
    print_subsets(to, json);
    print_beside(to, json);
    print_grid(to, json);
    print_min_score(to, json);
    cJSON_ArrayForEach(row, rows_of(json)) {
        if (!lines) break;
        print_classes(to, json, row, lines);
        print_pairs(to, row, lines);
    }
}
