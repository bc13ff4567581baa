/* Swin on pictures of any size, against its definition written as loops over tokens: no window is
 * cut out, no map is rolled or padded. A token finds the tokens that it may look at by arithmetic
 * on coordinates (reference-spec 1.3). */
#include "nn/models/swin.h"

#include <stdarg.h>

#include "tests/torch.h"

enum { EMBED = 4, WINDOW = 3, HEADS = 2 };

/* A map [H, W, C]. */
struct map {
    int64_t H, W, C;
    double *at;
};

/* The network's values as double, each taken once; everything is freed at the end. */
struct slow {
    const struct params *p;
    double *owned[512];
    size_t n;
};

static double *keep(struct slow *s, double *x) {
    REQUIRE(s->n < 512, "too many arrays");
    return s->owned[s->n++] = x;
}

__attribute__((format(printf, 2, 3))) static const double *value(struct slow *s, const char *fmt,
                                                                 ...) {
    char name[128];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(name, sizeof name, fmt, ap);
    va_end(ap);
    struct param *p = params_find(s->p, name);
    REQUIRE(p, "%s", name);
    size_t n = (size_t)t_numel(p->t);
    double *x = keep(s, mem_alloc(n, sizeof *x));
    CHECK_OK(t_copy_out(t_cast(t_detach(p->t), T_F64), x, n * sizeof *x));
    return x;
}

static struct map new_map(struct slow *s, int64_t H, int64_t W, int64_t C) {
    return (struct map){H, W, C, keep(s, mem_alloc((size_t)(H * W * C), sizeof(double)))};
}

static double *token(const struct map *m, int64_t y, int64_t x) {
    return m->at + (y * m->W + x) * m->C;
}

static void slow_norm(const double *w, const double *b, const double *x, int64_t C, double *out) {
    double mean = 0, var = 0;
    for (int64_t c = 0; c < C; c++) mean += x[c] / (double)C;
    for (int64_t c = 0; c < C; c++) var += (x[c] - mean) * (x[c] - mean) / (double)C;
    for (int64_t c = 0; c < C; c++) out[c] = (x[c] - mean) / sqrt(var + 1e-5) * w[c] + b[c];
}

/* b NULL: none. */
static void slow_linear(const double *w, const double *b, const double *x, int64_t in, int64_t out,
                        double *y) {
    for (int64_t o = 0; o < out; o++) {
        y[o] = b ? b[o] : 0;
        for (int64_t i = 0; i < in; i++) y[o] += w[o * in + i] * x[i];
    }
}

static struct map slow_norm_map(struct slow *s, const struct map *m, const char *at,
                                const char *name) {
    const double *w = value(s, "%s%s.weight", at, name), *b = value(s, "%s%s.bias", at, name);
    struct map out = new_map(s, m->H, m->W, m->C);
    for (int64_t i = 0; i < m->H * m->W; i++)
        slow_norm(w, b, m->at + i * m->C, m->C, out.at + i * m->C);
    return out;
}

/* Pixels beyond the border are 0. picture: [3, H, W] */
static struct map slow_embed(struct slow *s, const float *picture, int64_t H, int64_t W) {
    struct map out = new_map(s, (H + 3) / 4, (W + 3) / 4, EMBED);
    const double *w = value(s, "patch_embed.proj.weight"), *b = value(s, "patch_embed.proj.bias");
    for (int64_t y = 0; y < out.H; y++)
        for (int64_t x = 0; x < out.W; x++)
            for (int64_t c = 0; c < EMBED; c++) {
                double sum = b[c];
                for (int64_t k = 0; k < 48; k++) {
                    int64_t v = 4 * y + k % 16 / 4, u = 4 * x + k % 4;
                    if (v < H && u < W) sum += w[c * 48 + k] * picture[(k / 16 * H + v) * W + u];
                }
                token(&out, y, x)[c] = sum;
            }
    return slow_norm_map(s, &out, "patch_embed", ".norm");
}

/* One axis of a shifted window: where position i of the padded axis of n goes, and from which of
 * the three stripes it comes. */
static int64_t rolled(int64_t i, int64_t n, int64_t shift) { return (i - shift + n) % n; }
static int64_t source(int64_t r, int64_t n, int64_t shift) { return (r + shift) % n; }
static int64_t stripe(int64_t r, int64_t n, int64_t shift) {
    return !shift || r < n - WINDOW ? 0 : r < n - shift ? 1 : 2;
}

struct attention {
    const double *qkv_w, *qkv_b, *table;
    const struct map *x; /* after the norm */
    int64_t heads, shift;
};

/* q, k or v of a token; one beyond the border is the zero vector, and so its bias. */
static double part(const struct attention *a, int64_t y, int64_t x, int64_t row) {
    double sum = a->qkv_b[row];
    if (y < a->x->H && x < a->x->W)
        for (int64_t c = 0; c < a->x->C; c++)
            sum += a->qkv_w[row * a->x->C + c] * token(a->x, y, x)[c];
    return sum;
}

/* What one head gives the token at (y, x): D numbers. */
static void slow_head(const struct attention *a, int64_t y, int64_t x, int64_t head, double *out) {
    int64_t Hp = (a->x->H + WINDOW - 1) / WINDOW * WINDOW, s = a->shift, C = a->x->C;
    int64_t Wp = (a->x->W + WINDOW - 1) / WINDOW * WINDOW, D = C / a->heads;
    int64_t ry = rolled(y, Hp, s), rx = rolled(x, Wp, s);
    int64_t top = ry / WINDOW * WINDOW, left = rx / WINDOW * WINDOW;
    double weight[WINDOW * WINDOW], sum = 0;
    for (int64_t k = 0; k < WINDOW * WINDOW; k++) {
        int64_t ky = top + k / WINDOW, kx = left + k % WINDOW;
        int64_t row = (ry - ky + WINDOW - 1) * (2 * WINDOW - 1) + rx - kx + WINDOW - 1;
        double score = a->table[row * a->heads + head];
        for (int64_t d = head * D; d < head * D + D; d++)
            score += part(a, y, x, d) / sqrt((double)D) *
                     part(a, source(ky, Hp, s), source(kx, Wp, s), C + d);
        bool apart =
            stripe(ky, Hp, s) != stripe(ry, Hp, s) || stripe(kx, Wp, s) != stripe(rx, Wp, s);
        weight[k] = exp(score - (apart ? 100 : 0));
        sum += weight[k];
    }
    for (int64_t d = 0; d < D; d++) {
        out[d] = 0;
        for (int64_t k = 0; k < WINDOW * WINDOW; k++)
            out[d] += weight[k] / sum *
                      part(a, source(top + k / WINDOW, Hp, s), source(left + k % WINDOW, Wp, s),
                           2 * C + head * D + d);
    }
}

static void slow_block(struct slow *s, struct map *m, const char *at, int64_t heads,
                       int64_t shift) {
    int64_t C = m->C;
    struct map h = slow_norm_map(s, m, at, ".norm1");
    struct attention a = {value(s, "%s.attn.qkv.weight", at),
                          value(s, "%s.attn.qkv.bias", at),
                          value(s, "%s.attn.relative_position_bias_table", at),
                          &h,
                          heads,
                          shift};
    const double *w = value(s, "%s.attn.proj.weight", at), *b = value(s, "%s.attn.proj.bias", at);
    double *y = keep(s, mem_alloc((size_t)(5 * C), sizeof *y)), *z = y + C;
    for (int64_t i = 0; i < m->H * m->W; i++) {
        for (int64_t head = 0; head < heads; head++)
            slow_head(&a, i / m->W, i % m->W, head, y + head * (C / heads));
        slow_linear(w, b, y, C, C, z);
        for (int64_t c = 0; c < C; c++) m->at[i * C + c] += z[c];
    }
    h = slow_norm_map(s, m, at, ".norm2");
    const double *w1 = value(s, "%s.mlp.fc1.weight", at), *b1 = value(s, "%s.mlp.fc1.bias", at);
    const double *w2 = value(s, "%s.mlp.fc2.weight", at), *b2 = value(s, "%s.mlp.fc2.bias", at);
    for (int64_t i = 0; i < m->H * m->W; i++) {
        slow_linear(w1, b1, h.at + i * C, C, 4 * C, z);
        for (int64_t c = 0; c < 4 * C; c++) z[c] = z[c] * 0.5 * (1 + erf(z[c] / sqrt(2)));
        slow_linear(w2, b2, z, 4 * C, C, y);
        for (int64_t c = 0; c < C; c++) m->at[i * C + c] += y[c];
    }
}

/* Tokens beyond an odd border are 0, before the norm. */
static struct map slow_merge(struct slow *s, const struct map *m, int stage) {
    static const int dy[] = {0, 1, 0, 1}, dx[] = {0, 0, 1, 1};
    struct map four = new_map(s, (m->H + 1) / 2, (m->W + 1) / 2, 4 * m->C);
    struct map out = new_map(s, four.H, four.W, 2 * m->C);
    char name[64];
    for (int64_t y = 0; y < four.H; y++)
        for (int64_t x = 0; x < four.W; x++)
            for (int k = 0; k < 4; k++)
                for (int64_t c = 0; c < m->C; c++) {
                    int64_t v = 2 * y + dy[k], u = 2 * x + dx[k];
                    bool inside = v < m->H && u < m->W;
                    token(&four, y, x)[k * m->C + c] = inside ? token(m, v, u)[c] : 0;
                }
    snprintf(name, sizeof name, "layers.%d.downsample", stage);
    four = slow_norm_map(s, &four, name, ".norm");
    const double *w = value(s, "layers.%d.downsample.reduction.weight", stage);
    for (int64_t i = 0; i < out.H * out.W; i++)
        slow_linear(w, NULL, four.at + i * four.C, four.C, out.C, out.at + i * out.C);
    return out;
}

/* The map [1, C, H, W] must be m. */
static void check_map(tensor *got, const struct map *m) {
    CHECK(t_size(got, 1) == m->C && t_size(got, 2) == m->H && t_size(got, 3) == m->W);
    tensor *want = t_from_data(m->at, SHAPE(1, m->H, m->W, m->C), T_F64);
    CHECK_CLOSE(got, t_permute(want, SHAPE(0, 3, 1, 2)), 2e-6);
}

static void check_size(const struct swin *net, const struct params *p, int64_t H, int64_t W) {
    struct slow s = {.p = p};
    tensor *x = t_randn(SHAPE(1, 3, H, W), 1);
    float *picture = mem_alloc((size_t)(3 * H * W), sizeof *picture);
    CHECK_OK(t_copy_out(x, picture, (size_t)(3 * H * W) * sizeof *picture));
    struct features f = swin_forward(net, x);
    struct map m = slow_embed(&s, picture, H, W);
    for (int i = 0; i < 4; i++) {
        char name[64];
        for (int j = 0; j < 2; j++) {
            snprintf(name, sizeof name, "layers.%d.blocks.%d", i, j);
            slow_block(&s, &m, name, HEADS, j ? WINDOW / 2 : 0);
        }
        snprintf(name, sizeof name, "norm%d", i);
        struct map out = slow_norm_map(&s, &m, name, "");
        check_map(f.map[i], &out);
        if (i < 3) m = slow_merge(&s, &m, i);
    }
    for (size_t i = 0; i < s.n; i++) free(s.owned[i]);
    free(picture);
}

TEST(pictures_of_any_size_are_padded_where_the_definition_says) {
    static const int64_t sizes[][2] = {
        {96, 96}, /* windows, patches and merging come out even at first */
        {22, 31}, /* nothing does */
        {1, 3},   /* less than a patch */
        {12, 13}, /* one window wide, and a bit */
        {45, 17},
    };
    struct swin_options o = {EMBED, {2, 2, 2, 2}, {HEADS, HEADS, HEADS, HEADS}, WINDOW, 0.3, false};
    struct params p = {0};
    struct swin *net = mem_alloc(1, sizeof *net);
    swin_init(net, params_root(&p), &o);
    for (size_t i = 0; i < p.n;
         i++) /* biases that tell padding from nothing, and sharp attention */
        if (!p.at[i].buffer) t_copy_(p.at[i].t, t_randn(t_shape(p.at[i].t), 0.6));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        check_size(net, &p, sizes[i][0], sizes[i][1]);
        int scope = t_scope_open("fused", T_NO_GRAD); /* the other form of attention */
        check_size(net, &p, sizes[i][0], sizes[i][1]);
        t_scope_close(scope, NULL);
    }
    params_free(&p);
    free(net);
}
