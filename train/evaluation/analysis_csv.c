#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "data/csv.h"
#include "train/evaluation/analysis.h"

enum { ROWS = 4096, FLUSH = 1 << 18 };

/* A file that is written line by line. */
struct lines {
    struct file_out file;
    struct str text;
    int status;
};

static void lines_open(struct lines *l, const char *dir, const char *name, const char *head) {
    char *path = path_join(dir, name);
    *l = (struct lines){0};
    l->status = file_out_open(&l->file, path);
    str_add(&l->text, "%s", head);
    free(path);
}

static void lines_end(struct lines *l) {
    str_add(&l->text, "\n");
    if (l->text.n < FLUSH) return;
    if (!l->status) l->status = file_out_put(&l->file, l->text.at, l->text.n);
    l->text.n = 0;
}

static int lines_close(struct lines *l, int status) {
    if (!l->status) l->status = status;
    if (!l->status && l->text.n) l->status = file_out_put(&l->file, l->text.at, l->text.n);
    if (!l->status) l->status = file_out_commit(&l->file);
    file_out_close(&l->file);
    str_free(&l->text);
    return l->status;
}

static void put_int(struct lines *l, int64_t x, bool first) {
    str_add(&l->text, "%s%lld", first ? "" : ",", (long long)x);
}

static void put_real(struct lines *l, double x) {
    char text[32] = "";
    if (isfinite(x)) json_number(text, x);
    csv_put(&l->text, text, false);
}

/* A name and its number; nothing of both for K, "no class". */
static void put_class(struct lines *l, const struct analysis *a, int64_t k) {
    csv_put(&l->text, k < a->K ? a->classes.at[k] : "", false);
    if (k < a->K)
        put_int(l, k, false);
    else
        str_add(&l->text, ",");
}

/* ---- rows of arrays, some at a time ---- */

struct column {
    const char *name;
    enum h5_type type;
    uint64_t cols; /* 0: one axis */
    struct h5_array found;
    void *at; /* [ROWS, cols] */
};

static int columns_open(const struct analysis *a, struct column *c, size_t n) {
    int status = 0;
    for (size_t i = 0; !status && i < n; i++) {
        status = h5_find(&a->file, c[i].name, c[i].type, c[i].cols, &c[i].found);
        if (!status && c[i].found.rows != c[0].found.rows)
            status = error_set(ERR_DATA, "%s: %s and %s are not of one length", a->file.path,
                               c[0].name, c[i].name);
        if (!status) c[i].at = mem_try(ROWS * c[i].found.cols, h5_width(c[i].type));
        if (!status && !c[i].at) status = error_status();
    }
    return status;
}

static void columns_close(struct column *c, size_t n) {
    for (size_t i = 0; i < n; i++) free(c[i].at);
}

/* Rows first .. first + n - 1, n at most ROWS. */
static int columns_read(const struct analysis *a, struct column *c, size_t n_columns,
                        uint64_t first, uint64_t n) {
    int status = 0;
    for (size_t i = 0; !status && i < n_columns; i++) {
        uint64_t cols = c[i].found.cols;
        status = h5_read(&a->file, &c[i].found, first * cols, n * cols, c[i].at);
    }
    return status;
}

static uint64_t some_of(uint64_t first, uint64_t end) {
    return end - first < ROWS ? end - first : ROWS;
}

/* ---- the three files ---- */

static int write_confusion(const struct analysis *a, const char *dir) {
    enum { PREDICTED, TRUTH, PIXELS, COLUMNS };
    struct column c[COLUMNS] = {[PREDICTED] = {"confusion_predicted", H5_TYPE_U16, 0, {0}, NULL},
                                [TRUTH] = {"confusion_truth", H5_TYPE_U16, 0, {0}, NULL},
                                [PIXELS] = {"confusion_pixels", H5_TYPE_I64, 0, {0}, NULL}};
    struct lines l;
    lines_open(&l, dir, "confusion.csv",
               "judge,predicted,predicted_index,truth,truth_index,pixels\n");
    int status = columns_open(a, c, COLUMNS);
    for (size_t j = 0; j < a->judges.n; j++)
        for (uint64_t at = a->confusion_at[j], n; !status && at < a->confusion_at[j + 1]; at += n) {
            n = some_of(at, a->confusion_at[j + 1]);
            status = columns_read(a, c, COLUMNS, at, n);
            for (uint64_t i = 0; !status && i < n; i++) {
                csv_put(&l.text, a->judges.at[j], true);
                put_class(&l, a, ((uint16_t *)c[PREDICTED].at)[i]);
                put_class(&l, a, ((uint16_t *)c[TRUTH].at)[i]);
                put_int(&l, ((int64_t *)c[PIXELS].at)[i], false);
                lines_end(&l);
            }
        }
    columns_close(c, COLUMNS);
    return lines_close(&l, status);
}

static void put_image(struct lines *l, const struct analysis *a, uint32_t image, bool first) {
    put_int(l, image, first);
    put_int(l, a->image_id[image], false);
    csv_put(&l->text, a->image_names.n ? a->image_names.at[image] : "", false);
}

static int write_per_image(const struct analysis *a, const char *dir) {
    struct lines l;
    int status = 0;
    lines_open(&l, dir, "per_image.csv",
               "judge,image,image_id,image_name,class,class_index,intersection,union,truth\n");
    for (size_t j = 0; !status && j < a->judges.n; j++) {
        struct analysis_counts all;
        status = analysis_counts(a, j, &all);
        if (status) break;
        const struct counted *c = &all.lines;
        for (size_t i = 0; i < c->n; i++) {
            csv_put(&l.text, a->judges.at[j], true);
            put_image(&l, a, c->image[i], false);
            put_class(&l, a, c->class[i]);
            put_int(&l, c->intersection[i], false);
            put_int(&l, c->unions[i], false);
            put_int(&l, c->truth[i], false);
            lines_end(&l);
        }
        analysis_counts_free(&all);
    }
    return lines_close(&l, status);
}

enum { IMAGE, INDEX, AREA, BOX, TRUTH, IOU, OBJECT, CLASS, SCORE, PROPOSAL_COLUMNS };

static void put_proposal(struct lines *l, const struct analysis *a, const struct column *c,
                         uint64_t i) {
    uint64_t P = c[CLASS].found.cols;
    put_image(l, a, ((uint32_t *)c[IMAGE].at)[i], true);
    put_int(l, ((uint16_t *)c[INDEX].at)[i], false);
    put_int(l, ((uint32_t *)c[AREA].at)[i], false);
    for (int b = 0; b < 4; b++) put_int(l, ((uint32_t *)c[BOX].at)[4 * i + (uint64_t)b], false);
    put_class(l, a, ((uint16_t *)c[TRUTH].at)[i]);
    put_real(l, (double)((float *)c[IOU].at)[i]);
    put_real(l, (double)((float *)c[OBJECT].at)[i]);
    for (uint64_t j = 0; j < P; j++) {
        put_class(l, a, ((uint16_t *)c[CLASS].at)[i * P + j]);
        put_real(l, (double)((float *)c[SCORE].at)[i * P + j]);
    }
    lines_end(l);
}

static void put_judge_heads(struct lines *l, const struct analysis *a, uint64_t P) {
    static const char *const parts[] = {"class", "class_index", "score"};
    for (uint64_t j = 0; j < P; j++)
        for (int i = 0; i < 3; i++) {
            char *name = mem_format("%s %s", a->judges.at[j], parts[i]);
            csv_put(&l->text, name, false);
            free(name);
        }
    lines_end(l);
}

static int write_per_proposal(const struct analysis *a, const char *dir) {
    struct column c[PROPOSAL_COLUMNS] = {{"proposal_image", H5_TYPE_U32, 0, {0}, NULL},
                                         {"proposal_index", H5_TYPE_U16, 0, {0}, NULL},
                                         {"proposal_area", H5_TYPE_U32, 0, {0}, NULL},
                                         {"proposal_box", H5_TYPE_U32, 4, {0}, NULL},
                                         {"proposal_truth", H5_TYPE_U16, 0, {0}, NULL},
                                         {"proposal_iou", H5_TYPE_F32, 0, {0}, NULL},
                                         {"proposal_object", H5_TYPE_F32, 0, {0}, NULL},
                                         {"proposal_class", H5_TYPE_U16, H5_ANY, {0}, NULL},
                                         {"proposal_score", H5_TYPE_F32, H5_ANY, {0}, NULL}};
    struct lines l;
    lines_open(&l, dir, "per_proposal.csv",
               "image,image_id,image_name,proposal,area,x,y,width,height,truth,truth_index,iou,"
               "object");
    int status = columns_open(a, c, PROPOSAL_COLUMNS);
    uint64_t P = c[CLASS].found.cols, rows = c[IMAGE].found.rows;
    if (!status && (P > a->judges.n || c[SCORE].found.cols != P))
        status = error_set(ERR_DATA, "%s: proposal_class and proposal_score: not of the judges",
                           a->file.path);
    if (!status) put_judge_heads(&l, a, P);
    for (uint64_t at = 0, n; !status && at < rows; at += n) {
        n = some_of(at, rows);
        status = columns_read(a, c, PROPOSAL_COLUMNS, at, n);
        for (uint64_t i = 0; !status && i < n; i++) {
            if (((uint32_t *)c[IMAGE].at)[i] < a->N)
                put_proposal(&l, a, c, i);
            else
                status = error_set(ERR_DATA, "%s: damaged: a proposal of no picture", a->file.path);
        }
    }
    columns_close(c, PROPOSAL_COLUMNS);
    return lines_close(&l, status);
}

bool analysis_has_csv(const char *dir) {
    static const char *const names[] = {"confusion.csv", "per_image.csv", "per_proposal.csv"};
    bool all = true;
    for (size_t i = 0; i < 3; i++) {
        char *path = path_join(dir, names[i]);
        all &= file_exists(path);
        free(path);
    }
    return all;
}

int analysis_export(const char *dir) {
    char *path = path_join(dir, ANALYSIS_FILE);
    struct analysis a = {.file.fd = -1};
    int status = 0;
    if (!analysis_has_csv(dir) && !file_exists(path))
        status = error_set(ERR_MISSING,
                           "%s: not there: measure.csv is written from it; this run was evaluated "
                           "with measure.analysis=false, or by an older version: remove it (ovseg "
                           "runs rm) and evaluate again",
                           path);
    else if (!analysis_has_csv(dir))
        status = analysis_read(&a, path);
    if (!status && a.file.path) status = analysis_write_csv(&a, dir);
    analysis_free(&a);
    free(path);
    return status;
}

int analysis_write_csv(const struct analysis *a, const char *dir) {
    int status = write_confusion(a, dir);
    if (!status) status = write_per_image(a, dir);
    return status ? status : write_per_proposal(a, dir);
}
