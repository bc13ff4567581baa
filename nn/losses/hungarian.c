/* Shortest augmenting paths (Jonker and Volgenant; for rectangular matrices Crouse, IEEE TAES
 * 52(4), 2016). Each row in turn starts a Dijkstra search over reduced costs, cost - u[row] -
 * v[col] >= 0, that ends at the first free column; the path found is turned over and the prices u,
 * v follow. */
#include "nn/losses/hungarian.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"

struct problem {
    int64_t n, m;               /* n <= m */
    const double *cost;         /* [n, m] */
    double *u, *v;              /* prices of rows [n] and columns [m] */
    double *dist;               /* [m] of the shortest path known to each column */
    int64_t *from;              /* [m] the row before each column on it */
    int64_t *col4row, *row4col; /* the matching, -1: free */
    int64_t *unreached;         /* [m] columns not yet reached */
    bool *row_done, *col_done;
};

/* The shortest path from `row` to a free column, which is returned with its length, or -1. */
static int64_t find_path(struct problem *p, int64_t row, double *length) {
    int64_t left = p->m, sink = -1;
    double reached = 0;
    for (int64_t j = 0; j < p->m; j++) {
        p->unreached[j] = p->m - 1 - j; /* a constant matrix gives the identity, as in scipy */
        p->dist[j] = INFINITY;
        p->col_done[j] = false;
    }
    for (int64_t i = 0; i < p->n; i++) p->row_done[i] = false;

    while (sink < 0) {
        int64_t best = -1;
        double lowest = INFINITY;
        p->row_done[row] = true;
        for (int64_t k = 0; k < left; k++) {
            int64_t j = p->unreached[k];
            double d = reached + p->cost[row * p->m + j] - p->u[row] - p->v[j];
            if (d < p->dist[j]) {
                p->dist[j] = d;
                p->from[j] = row;
            }
            /* Of equal columns a free one ends the search. */
            if (p->dist[j] < lowest || (p->dist[j] == lowest && p->row4col[j] < 0)) {
                lowest = p->dist[j];
                best = k;
            }
        }
        if (lowest == INFINITY) return -1;
        int64_t j = p->unreached[best];
        p->unreached[best] = p->unreached[--left];
        p->col_done[j] = true;
        reached = lowest;
        if (p->row4col[j] < 0)
            sink = j;
        else
            row = p->row4col[j];
    }
    *length = reached;
    return sink;
}

static bool match_row(struct problem *p, int64_t row) {
    double length = 0;
    int64_t j = find_path(p, row, &length);
    if (j < 0) return false;
    p->u[row] += length;
    for (int64_t i = 0; i < p->n; i++)
        if (p->row_done[i] && i != row) p->u[i] += length - p->dist[p->col4row[i]];
    for (int64_t k = 0; k < p->m; k++)
        if (p->col_done[k]) p->v[k] -= length - p->dist[k];
    for (int64_t i = -1; i != row;) {
        i = p->from[j];
        p->row4col[j] = i;
        int64_t next = p->col4row[i];
        p->col4row[i] = j;
        j = next;
    }
    return true;
}

static int check_costs(const double *cost, int64_t rows, int64_t cols) {
    for (int64_t i = 0; i < rows * cols; i++)
        if (isnan(cost[i]) || cost[i] == -INFINITY)
            return error_set(ERR_DATA, "assignment: the cost of row %ld, column %ld is %g",
                             (long)(i / cols), (long)(i % cols), cost[i]);
    return 0;
}

static void list_pairs(const struct problem *p, bool turned, int64_t *row_of, int64_t *col_of) {
    int64_t k = 0;
    if (!turned) {
        for (; k < p->n; k++) {
            row_of[k] = k;
            col_of[k] = p->col4row[k];
        }
        return;
    }
    for (int64_t j = 0; j < p->m; j++) {
        if (p->row4col[j] < 0) continue;
        row_of[k] = j;
        col_of[k++] = p->row4col[j];
    }
}

int hungarian_solve(const double *cost, int64_t rows, int64_t cols, int64_t *row_of,
                    int64_t *col_of) {
    if (rows == 0 || cols == 0) return 0;
    int status = check_costs(cost, rows, cols);
    if (status) return status;
    bool turned = rows > cols;
    struct problem p = {.n = turned ? cols : rows, .m = turned ? rows : cols, .cost = cost};
    size_t n = (size_t)p.n, m = (size_t)p.m;
    double *transposed = turned ? mem_alloc(n * m, sizeof *transposed) : NULL;
    for (int64_t i = 0; turned && i < p.n; i++)
        for (int64_t j = 0; j < p.m; j++) transposed[i * p.m + j] = cost[j * cols + i];
    if (turned) p.cost = transposed;
    double *prices = mem_alloc(n + 2 * m, sizeof *prices);
    int64_t *indices = mem_alloc(n + 3 * m, sizeof *indices);
    bool *flags = mem_alloc(n + m, sizeof *flags);
    p.u = prices, p.v = prices + n, p.dist = prices + n + m;
    p.col4row = indices, p.row4col = indices + n, p.from = indices + n + m;
    p.unreached = indices + n + 2 * m;
    p.row_done = flags, p.col_done = flags + n;
    for (size_t k = 0; k < n + m; k++) indices[k] = -1;

    for (int64_t i = 0; i < p.n && !status; i++)
        if (!match_row(&p, i))
            status = error_set(ERR_DATA, "assignment: forbidden pairs leave no full assignment");
    if (!status) list_pairs(&p, turned, row_of, col_of);
    free(transposed);
    free(prices);
    free(indices);
    free(flags);
    return status;
}
