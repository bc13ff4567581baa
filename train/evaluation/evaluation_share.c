/* Which pictures go together, and which rank counts them. */
#include "data/resize.h"
#include "dist/comm.h"
#include "train/evaluation/evaluation.h"

enum { AT_ONCE = 512 << 20 }; /* bytes of the masks of proposals */

int64_t evaluation_room(const struct evaluation *e, int64_t h, int64_t w) {
    int64_t masks = e->proposals.model.opt.decoder.queries * h * w;
    int64_t n = AT_ONCE / (masks * (int64_t)sizeof(float));
    if (views_many(&e->node->config.eval.views)) return 1;
    return n < 1 ? 1 : n < EVALUATION_TOGETHER ? n : EVALUATION_TOGETHER;
}

static void seen_size(const struct evaluation *e, int64_t i, int64_t *h, int64_t *w) {
    const uint32_t *size = e->set.size + 2 * i;
    resize_shortest_edge(size[0], size[1], e->size.shortest, e->size.longest, h, w);
}

/* Where the pictures end that go together with picture i, the first of them. */
static int64_t block_end(const struct evaluation *e, int64_t i) {
    int64_t h, w, other_h, other_w, end = i + 1;
    if (e->given || !e->set.size) return end;
    seen_size(e, i, &h, &w);
    for (int64_t room = evaluation_room(e, h, w); end < e->n_images && end - i < room; end++) {
        seen_size(e, end, &other_h, &other_w);
        if (other_h != h || other_w != w) break;
    }
    return end;
}

/* The end of pictures that go together which is nearest to `wanted`. */
static int64_t nearest_end(const struct evaluation *e, int64_t wanted) {
    int64_t before = 0, at = 0;
    while (at < wanted) {
        before = at;
        at = block_end(e, at);
    }
    return wanted - before < at - wanted ? before : at;
}

void evaluation_share(struct evaluation *e) {
    int64_t rank = comm_rank(e->node->comm), size = comm_size(e->node->comm);
    if (e->node->config.measure.predictions) rank = rank ? size : 0, size = 1;
    e->first = rank < size ? nearest_end(e, e->n_images * rank / size) : e->n_images;
    e->end = rank < size ? nearest_end(e, e->n_images * (rank + 1) / size) : e->n_images;
}
