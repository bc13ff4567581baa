#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "train/evaluation/analysis.h"

/* In front of the lines of a judge and a picture. */
struct run_head {
    uint32_t judge, image, n;
};
struct count_line {
    uint32_t class, intersection, unions, truth;
};

int analysis_open(struct analysis_out *a, const char *dir, int64_t N, int64_t K, size_t J,
                  size_t P) {
    *a = (struct analysis_out){.path = path_join(dir, ANALYSIS_FILE),
                               .N = N,
                               .K = K,
                               .J = J,
                               .P = P,
                               .image = mem_alloc((size_t)N, sizeof *a->image),
                               .counts.fd = -1,
                               .proposals.fd = -1};
    int status = spool_open(&a->counts, a->path);
    return status ? status : spool_open(&a->proposals, a->path);
}

void analysis_close(struct analysis_out *a) {
    if (!a->path) return;
    spool_close(&a->counts);
    spool_close(&a->proposals);
    free(a->image);
    free(a->path);
    *a = (struct analysis_out){0};
}

int analysis_add_counts(struct analysis_out *a, size_t judge, int64_t image,
                        const struct class_counts *c) {
    struct run_head head = {(uint32_t)judge, (uint32_t)image, 0};
    struct count_line *line = mem_alloc((size_t)c->K, sizeof *line);
    for (int64_t k = 0; k < c->K; k++) {
        int64_t unions = class_counts_union(c, k);
        if (unions)
            line[head.n++] = (struct count_line){(uint32_t)k, (uint32_t)c->right[k],
                                                 (uint32_t)unions, (uint32_t)c->truth[k]};
    }
    int status = spool_put(&a->counts, &head, sizeof head);
    if (!status) status = spool_put(&a->counts, line, head.n * sizeof *line);
    free(line);
    return status;
}

int analysis_add_proposal(struct analysis_out *a, const struct analysis_proposal *p,
                          const struct analysis_name *name) {
    int status = spool_put(&a->proposals, p, sizeof *p);
    return status ? status : spool_put(&a->proposals, name, a->P * sizeof *name);
}

/* ---- the lines by judge ---- */

/* Where the lines of a judge and a picture begin. */
struct run_at {
    uint32_t judge, image, n;
    uint64_t at;
};

static int by_judge(const void *a, const void *b) {
    const struct run_at *x = a, *y = b;
    if (x->judge != y->judge) return x->judge < y->judge ? -1 : 1;
    return x->image < y->image ? -1 : x->image > y->image;
}

/* All of them, sorted; counts_at [J + 1]. */
static int find_runs(const struct analysis_out *a, struct run_at **out, size_t *n_out,
                     uint64_t *counts_at) {
    size_t n = 0, cap = 0;
    struct run_at *run = NULL;
    int status = 0;
    for (uint64_t at = 0; !status && at < a->counts.n;) {
        struct run_head head;
        status = spool_read(&a->counts, at, &head, sizeof head);
        if (status) break;
        at += sizeof head;
        run = mem_grow(run, &cap, n + 1, sizeof *run);
        run[n++] = (struct run_at){head.judge, head.image, head.n, at};
        counts_at[head.judge + 1] += head.n;
        at += head.n * sizeof(struct count_line);
    }
    for (size_t j = 0; j < a->J; j++) counts_at[j + 1] += counts_at[j];
    if (n) qsort(run, n, sizeof *run, by_judge);
    *out = run;
    *n_out = n;
    return status;
}

static void write_lines(const struct analysis_out *a, struct h5_out *f, const struct run_at *run,
                        size_t n, uint64_t lines) {
    struct count_line *line = mem_alloc((size_t)a->K, sizeof *line);
    struct h5_part image, class, intersection, unions, truth;
    h5_begin(f, &image, "counts_image", H5_TYPE_U32, lines, 0);
    h5_begin(f, &class, "counts_class", H5_TYPE_U16, lines, 0);
    h5_begin(f, &intersection, "counts_intersection", H5_TYPE_U32, lines, 0);
    h5_begin(f, &unions, "counts_union", H5_TYPE_U32, lines, 0);
    h5_begin(f, &truth, "counts_truth", H5_TYPE_U32, lines, 0);
    for (size_t i = 0; !f->status && i < n; i++) {
        f->status = spool_read(&a->counts, run[i].at, line, run[i].n * sizeof *line);
        for (uint32_t k = 0; !f->status && k < run[i].n; k++) {
            uint16_t number = (uint16_t)line[k].class;
            h5_add(f, &image, &run[i].image, 1);
            h5_add(f, &class, &number, 1);
            h5_add(f, &intersection, &line[k].intersection, 1);
            h5_add(f, &unions, &line[k].unions, 1);
            h5_add(f, &truth, &line[k].truth, 1);
        }
    }
    h5_end(f, &image);
    h5_end(f, &class);
    h5_end(f, &intersection);
    h5_end(f, &unions);
    h5_end(f, &truth);
    free(line);
}

static int put_counts(const struct analysis_out *a, struct h5_out *f) {
    struct run_at *run = NULL;
    size_t n = 0;
    uint64_t *at = mem_alloc(a->J + 1, sizeof *at);
    if (!f->status) f->status = find_runs(a, &run, &n, at);
    h5_put(f, "counts_at", H5_TYPE_U64, a->J + 1, 0, at);
    write_lines(a, f, run, n, at[a->J]);
    free(run);
    free(at);
    return f->status;
}

/* ---- proposals ---- */

struct proposal_columns {
    struct h5_part image, proposal, area, box, truth, iou, object, class, score;
};

static void proposals_begin(const struct analysis_out *a, struct h5_out *f,
                            struct proposal_columns *c, uint64_t rows) {
    h5_begin(f, &c->image, "proposal_image", H5_TYPE_U32, rows, 0);
    h5_begin(f, &c->proposal, "proposal_index", H5_TYPE_U16, rows, 0);
    h5_begin(f, &c->area, "proposal_area", H5_TYPE_U32, rows, 0);
    h5_begin(f, &c->box, "proposal_box", H5_TYPE_U32, rows, 4);
    h5_begin(f, &c->truth, "proposal_truth", H5_TYPE_U16, rows, 0);
    h5_begin(f, &c->iou, "proposal_iou", H5_TYPE_F32, rows, 0);
    h5_begin(f, &c->object, "proposal_object", H5_TYPE_F32, rows, 0);
    h5_begin(f, &c->class, "proposal_class", H5_TYPE_U16, rows, a->P);
    h5_begin(f, &c->score, "proposal_score", H5_TYPE_F32, rows, a->P);
}

static void proposals_end(struct h5_out *f, struct proposal_columns *c) {
    h5_end(f, &c->image);
    h5_end(f, &c->proposal);
    h5_end(f, &c->area);
    h5_end(f, &c->box);
    h5_end(f, &c->truth);
    h5_end(f, &c->iou);
    h5_end(f, &c->object);
    h5_end(f, &c->class);
    h5_end(f, &c->score);
}

static void put_proposal(const struct analysis_out *a, struct h5_out *f, struct proposal_columns *c,
                         const struct analysis_proposal *p, const struct analysis_name *name,
                         uint16_t *class, float *score) {
    uint16_t index = (uint16_t)p->proposal, truth = (uint16_t)p->truth;
    for (size_t j = 0; j < a->P; j++) {
        class[j] = (uint16_t)name[j].class;
        score[j] = name[j].score;
    }
    h5_add(f, &c->image, &p->image, 1);
    h5_add(f, &c->proposal, &index, 1);
    h5_add(f, &c->area, &p->area, 1);
    h5_add(f, &c->box, p->box, 1);
    h5_add(f, &c->truth, &truth, 1);
    h5_add(f, &c->iou, &p->iou, 1);
    h5_add(f, &c->object, &p->object, 1);
    h5_add(f, &c->class, class, 1);
    h5_add(f, &c->score, score, 1);
}

static int put_proposals(const struct analysis_out *a, struct h5_out *f) {
    size_t names = a->P * sizeof(struct analysis_name), width = sizeof(struct analysis_proposal);
    struct proposal_columns c;
    struct analysis_proposal p;
    struct analysis_name *name = mem_alloc(a->P, sizeof *name);
    uint16_t *class = mem_alloc(a->P, sizeof *class);
    float *score = mem_alloc(a->P, sizeof *score);
    width += names;
    proposals_begin(a, f, &c, a->proposals.n / width);
    for (uint64_t at = 0; !f->status && at < a->proposals.n; at += width) {
        f->status = spool_read(&a->proposals, at, &p, sizeof p);
        if (!f->status) f->status = spool_read(&a->proposals, at + sizeof p, name, names);
        if (!f->status) put_proposal(a, f, &c, &p, name, class, score);
    }
    proposals_end(f, &c);
    free(name);
    free(class);
    free(score);
    return f->status;
}

/* ---- what stands in front ---- */

static void put_flags(struct h5_out *f, const char *name, const bool *flag, int64_t n) {
    uint8_t *at = mem_alloc((size_t)n, 1);
    for (int64_t i = 0; i < n; i++) at[i] = flag[i];
    h5_put(f, name, H5_TYPE_U8, (uint64_t)n, 0, at);
    free(at);
}

static void put_images(const struct analysis_out *a, struct h5_out *f) {
    size_t N = (size_t)a->N;
    uint32_t *size = mem_alloc(2 * N, sizeof *size), *seen = mem_alloc(2 * N, sizeof *seen);
    uint64_t *labels = mem_alloc(N, sizeof *labels);
    for (size_t i = 0; i < N; i++) {
        const struct analysis_image *x = &a->image[i];
        size[2 * i] = (uint32_t)x->h;
        size[2 * i + 1] = (uint32_t)x->w;
        seen[2 * i] = (uint32_t)x->seen_h;
        seen[2 * i + 1] = (uint32_t)x->seen_w;
        labels[i] = (uint64_t)x->labels;
    }
    h5_put(f, "image_size", H5_TYPE_U32, N, 2, size);
    h5_put(f, "image_seen", H5_TYPE_U32, N, 2, seen);
    h5_put(f, "image_labels", H5_TYPE_U64, N, 0, labels);
    free(size);
    free(seen);
    free(labels);
}

/* The numbers of a matrix that are not 0. */
static uint64_t cells_of(const struct confusion *c) {
    uint64_t n = 0;
    for (int64_t i = 0; i < (c->K + 1) * (c->K + 1); i++) n += c->at[i] != 0;
    return n;
}

static void put_confusions(const struct analysis_out *a, struct h5_out *f,
                           const struct confusion *const *matrix) {
    uint64_t *at = mem_alloc(a->J + 1, sizeof *at);
    struct h5_part predicted, truth, pixels;
    for (size_t j = 0; j < a->J; j++) at[j + 1] = at[j] + cells_of(matrix[j]);
    h5_put(f, "confusion_at", H5_TYPE_U64, a->J + 1, 0, at);
    h5_begin(f, &predicted, "confusion_predicted", H5_TYPE_U16, at[a->J], 0);
    h5_begin(f, &truth, "confusion_truth", H5_TYPE_U16, at[a->J], 0);
    h5_begin(f, &pixels, "confusion_pixels", H5_TYPE_I64, at[a->J], 0);
    for (size_t j = 0; j < a->J; j++)
        for (int64_t p = 0; p <= a->K; p++)
            for (int64_t t = 0; t <= a->K; t++) {
                const int64_t *n = &matrix[j]->at[p * (a->K + 1) + t];
                uint16_t row = (uint16_t)p, column = (uint16_t)t;
                if (!*n) continue;
                h5_add(f, &predicted, &row, 1);
                h5_add(f, &truth, &column, 1);
                h5_add(f, &pixels, n, 1);
            }
    h5_end(f, &predicted);
    h5_end(f, &truth);
    h5_end(f, &pixels);
    free(at);
}

int analysis_commit(struct analysis_out *a, const struct analysis_names *n) {
    struct h5_out f;
    h5_create(&f, a->path, ANALYSIS_FORMAT, ANALYSIS_VERSION, "");
    h5_put_text(&f, "set", n->set);
    h5_put_strings(&f, "judge", n->judges.at, a->J);
    h5_put_strings(&f, "class", n->class_name, (uint64_t)a->K);
    put_flags(&f, "class_seen", n->class_seen, a->K);
    h5_put(&f, "image_id", H5_TYPE_I64, (uint64_t)a->N, 0, n->image_id);
    if (n->image_name) h5_put_strings(&f, "image_name", n->image_name, (uint64_t)a->N);
    put_images(a, &f);
    put_confusions(a, &f, n->confusion);
    put_counts(a, &f);
    put_proposals(a, &f);
    int status = h5_commit(&f);
    h5_drop(&f);
    return status;
}
