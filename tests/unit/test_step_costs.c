/* What a training step costs at full size: FLOP by the formulas of what must be computed, calls and
 * memory as they were when this was written. A step that computes, launches or keeps more than it
 * must is found here, on any machine, however noisy its clock.
 *
 * ctest: timeout=300
 *
 * B crops or pictures, S side, N tokens, W width, D feature length, Q queries, C decoder width.
 */
#include "bench/cells.h"
#include "nn/torch/costs.h"
#include "tests/torch.h"

static struct t_costs count(const char *name, int64_t batch, int64_t side) {
    struct cell *c = mem_alloc(1, sizeof *c);
    CHECK_OK(cell_open(c, name, &(struct cell_options){batch, side}));
    struct metrics_row row = {0}, again = {0};
    CHECK_OK(training_step(&c->training, 0, &row)); /* the first one makes what later ones reuse */
    t_costs_begin();
    CHECK_OK(training_step(&c->training, 1, &again));
    struct t_costs costs = t_costs_end();
    cell_free(c);
    free(c);
    fprintf(stderr, "%s: %lld FLOP, %lld calls, %lld bytes in %lld blocks, %lld at the peak\n",
            name, (long long)costs.flop, (long long)costs.calls, (long long)costs.bytes,
            (long long)costs.blocks, (long long)costs.peak);
    return costs;
}

/* Not more than a recorded number; 1 % is for what libtorch itself may change. */
static void check_at_most(const char *what, int64_t got, int64_t recorded) {
    if (got > recorded + recorded / 100)
        test_fail(__FILE__, __LINE__, "%s: %lld, recorded were %lld", what, (long long)got,
                  (long long)recorded);
}

/* ViT-B/16 on 224 pixels. A backward costs 2 products where weights train, 1 where they do not;
 * 2.5 times the forward in attention, which computes its scores once more. */
static int64_t tower_flop(int64_t B, bool weights) {
    const int64_t N = 197, W = 768, LAYERS = 12, D = 512;
    int64_t stem = 2 * (N - 1) * W * W;
    int64_t linear = (LAYERS - 1) * 24 * N * W * W; /* query, key, value, output; 4 W and back */
    linear += 4 * N * W * W + 20 * W * W;           /* the last block: keys and values of all */
    linear += 2 * W * D;
    int64_t attention = (LAYERS - 1) * 4 * N * N * W + 4 * N * W;
    int64_t once = weights ? 2 * stem + 3 * linear : stem + 2 * linear;
    int64_t loss = 2 * (2 * B * B * D); /* the texts have no gradient */
    return B * once + B * attention * 7 / 2 + loss;
}

TEST(fine_tuning_computes_the_tower_once_and_twice_backward) {
    struct t_costs c = count("ft", 2, 0);
    CHECK_INT(tower_flop(2, true), c.flop);
    check_at_most("calls", c.calls, 880);
    check_at_most("bytes", c.bytes, 1187000000);
    check_at_most("peak", c.peak, 357200000); /* 344.8 MB of them are the gradients */
}

TEST(prompt_tuning_computes_no_gradient_of_weights) {
    struct t_costs c = count("mpt", 2, 0);
    CHECK_INT(tower_flop(2, false), c.flop);
    check_at_most("calls", c.calls, 700);
    check_at_most("bytes", c.bytes, 839100000);
    check_at_most("peak", c.peak, 155600000);
}

/* Products of a convolution, forward and backward: 1 where nothing trains, 2 where its input does
 * not need a gradient. */
static int64_t conv_products(const char *name) {
    if (strstr(name, "stem") || strstr(name, "res2")) return 1; /* freeze_at 2 */
    bool first = strstr(name, "res3.0.conv1") || strstr(name, "res3.0.shortcut") ||
                 strstr(name, "adapter_1");
    return first ? 2 : 3;
}

static int64_t conv_stride(const char *name) {
    int level, block;
    const char *at = strstr(name, "res");
    if (strstr(name, "stem")) return 2;
    if (at && sscanf(at, "res%d.%d", &level, &block) == 2)
        return (int64_t)1 << (level - (level > 2 && block == 0 && strstr(name, "conv1")));
    at = strstr(name, "adapter_") ? strstr(name, "adapter_") : strstr(name, "layer_");
    if (at && sscanf(strchr(at, '_'), "_%d", &level) == 1) return (int64_t)2 << level;
    return strstr(name, "input_proj") ? 32 : 4;
}

/* All products of the transformer, its heads and the classifier; T tokens of the memory. */
static int64_t decoder_flop(int64_t B, int64_t S) {
    const int64_t Q = 100, C = 256, HIDDEN = 2048, LAYERS = 6, D = 512, CLASSES = 171;
    int64_t T = S * S / (32 * 32), pixels = S * S / 16;
    int64_t self = 8 * Q * C * C + 4 * Q * Q * C;
    int64_t cross = 4 * Q * C * C + 4 * T * C * C + 4 * Q * T * C;
    int64_t forward = LAYERS * (self + cross + 4 * Q * C * HIDDEN);
    int64_t heads = 6 * C * C + 2 * (C * 1024 + 1024 * D) + 2 * D * (CLASSES + 1);
    forward += LAYERS * Q * (heads + 2 * C * pixels);
    int64_t zeros = 2 * Q * C * C; /* the first layer's values are of zeros, without a gradient */
    return B * (3 * forward - zeros);
}

TEST(training_proposals_computes_no_gradient_below_what_trains) {
    enum { B = 1, S = 128 };
    struct params p = {0};
    struct maskformer *m = mem_alloc(1, sizeof *m);
    struct maskformer_options o = maskformer_standard();
    o.backbone = backbone_resnet(resnet_standard(50, false));
    maskformer_init(m, params_root(&p), &o);
    int64_t want = decoder_flop(B, S);
    for (size_t i = 0; i < p.n; i++) {
        if (t_dim(p.at[i].t) != 4) continue;
        int64_t side = S / conv_stride(p.at[i].name);
        want += B * 2 * side * side * t_numel(p.at[i].t) * conv_products(p.at[i].name);
    }
    params_free(&p);
    free(m);
    struct t_costs c = count("proposals", B, S);
    CHECK_INT(want, c.flop);
    check_at_most("calls", c.calls, 2117);
    check_at_most("bytes", c.bytes, 768100000);
    check_at_most("peak", c.peak, 195000000); /* 167.1 MB of them are the gradients */
}
