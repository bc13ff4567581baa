#include "eval/naming.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

void naming_open(struct naming *n, int64_t K) {
    *n = (struct naming){K, mem_alloc((size_t)K, sizeof(int64_t)),
                         mem_alloc((size_t)K, sizeof(int64_t)),
                         mem_alloc((size_t)K, sizeof(int64_t))};
}

void naming_free(struct naming *n) {
    free(n->right);
    free(n->misnamed);
    free(n->missed);
    *n = (struct naming){0};
}

int naming_add(struct naming *n, const struct region_match *match, const struct regions *g,
               struct named named) {
    int scope = t_scope_open("naming", T_NO_GRAD);
    int64_t Q = t_size(named.name, 0), *name = mem_alloc((size_t)Q, sizeof *name);
    int status = t_copy_out(t_argmax(named.name, 1), name, (size_t)Q * sizeof *name);
    t_scope_close(scope, NULL);
    for (int64_t k = 0; !status && k < n->K; k++) {
        if (!match[k].pixels) continue;
        bool found = match[k].region >= 0 && match[k].iou >= NAMING_IOU;
        int64_t *to = !found                                 ? n->missed
                      : name[g->query[match[k].region]] == k ? n->right
                                                             : n->misnamed;
        to[k]++;
    }
    free(name);
    return status;
}

struct naming_shares naming_shares(const struct naming *n, const bool *subset) {
    int64_t right = 0, misnamed = 0, missed = 0;
    for (int64_t k = 0; k < n->K; k++) {
        if (subset && !subset[k]) continue;
        right += n->right[k];
        misnamed += n->misnamed[k];
        missed += n->missed[k];
    }
    int64_t masks = right + misnamed + missed;
    double percent = masks ? 100 / (double)masks : NAN;
    return (struct naming_shares){percent * (double)right, percent * (double)misnamed,
                                  percent * (double)missed, masks};
}
