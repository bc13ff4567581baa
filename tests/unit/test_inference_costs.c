/* Without gradients a chain of blocks needs the memory of one: what a block made is gone when the
 * next has read it.
 *
 * B pictures or texts, S side, L tokens, W width. */
#include "nn/models/backbone.h"
#include "nn/models/clip.h"
#include "nn/models/clip_text_packed.h"
#include "nn/models/detr.h"
#include "nn/torch/costs.h"
#include "tests/torch.h"

enum { B = 3, S = 64, L = 20, W = 64, SHORT = 3, LONG = 9 };

/* Bytes beyond the input at the peak of a network with so many blocks. */
typedef int64_t peak_of(int64_t blocks);

static void check(const char *name, peak_of *peak) {
    int64_t few = peak(SHORT), many = peak(LONG);
    if (many > few)
        test_fail(__FILE__, __LINE__, "%s: %lld bytes with %d blocks, %lld with %d", name,
                  (long long)few, SHORT, (long long)many, LONG);
}

static int64_t begin(void) {
    int scope = t_scope_open("inference", T_NO_GRAD | T_EVAL);
    t_costs_begin();
    return scope;
}

static int64_t end(int64_t scope) {
    struct t_costs c = t_costs_end();
    CHECK_OK(error_status());
    t_scope_close((int)scope, NULL);
    return c.peak;
}

static struct clip_options clip_of(int64_t image_layers, int64_t text_layers) {
    return (struct clip_options){
        .image = {.image_size = S,
                  .patch = 8,
                  .width = W,
                  .layers = image_layers,
                  .last_block_cls_only = true},
        .text = {.vocab = 99, .context = L, .width = W, .layers = text_layers, .cut_at_end = true},
        .features = 8,
        .temperature = 0.07};
}

static int64_t image_peak(int64_t layers, int64_t prompts) {
    struct clip_options o = clip_of(layers, 1);
    struct params p = {0};
    struct clip c;
    o.image.prompt_depth = prompts;
    clip_init(&c, params_root(&p), &o);
    tensor *x = t_zeros(SHAPE(B, 3, S, S), T_F32), *mask = t_zeros(SHAPE(B, S, S), T_U8);
    int64_t scope = begin();
    clip_image(&c, x, prompts ? mask : NULL);
    int64_t peak = end(scope);
    clip_free(&c);
    params_free(&p);
    return peak;
}

static int64_t tower(int64_t layers) { return image_peak(layers, 0); }
static int64_t prompted(int64_t layers) { return image_peak(layers, layers); }

/* Texts on their own, or packed. */
static int64_t text_peak(int64_t layers, bool packed) {
    static const struct clip_starts none = {0};
    struct clip_options o = clip_of(1, layers);
    struct params p = {0};
    struct clip c;
    int64_t ids[B * L];
    for (int64_t i = 0; i < B * L; i++) ids[i] = 1 + i % L;
    clip_init(&c, params_root(&p), &o);
    int64_t scope = begin();
    if (packed)
        clip_text_encode_packed(&c.text, &none, ids, B, L, 1);
    else
        clip_text_encode(&c.text, ids, B, L);
    int64_t peak = end(scope);
    clip_free(&c);
    params_free(&p);
    return peak;
}

static int64_t texts(int64_t layers) { return text_peak(layers, false); }
static int64_t packed_texts(int64_t layers) { return text_peak(layers, true); }

static int64_t clip_residual(int64_t blocks) {
    const struct clip_resnet_options o = {64, 8, {2, blocks, 2, 2}};
    struct clip_resnet *r = mem_alloc(1, sizeof *r);
    struct params p = {0};
    clip_resnet_init(r, params_root(&p), &o, 8);
    tensor *x = t_zeros(SHAPE(B, 3, S, S), T_F32);
    int64_t scope = begin();
    clip_resnet(r, x);
    int64_t peak = end(scope);
    params_free(&p);
    free(r);
    return peak;
}

static int64_t backbone_peak(struct backbone_options o) {
    struct backbone *b = mem_alloc(1, sizeof *b);
    struct params p = {0};
    backbone_init(b, params_root(&p), &o);
    tensor *x = t_zeros(SHAPE(1, 3, S, S), T_F32);
    int64_t scope = begin();
    backbone_forward(b, x);
    int64_t peak = end(scope);
    params_free(&p);
    free(b);
    return peak;
}

static int64_t residual(int64_t blocks) {
    struct resnet_options o = resnet_small();
    o.stage[0].blocks = blocks;
    return backbone_peak(backbone_resnet(o));
}

static int64_t swin(int64_t blocks) {
    return backbone_peak(backbone_swin(
        (struct swin_options){.embed = 8, .blocks = {blocks, 2, 2, 2}, {1, 1, 1, 1}, .window = 4}));
}

static const struct detr_options detr = {.width = W, .heads = 4, .hidden = 2 * W};

static int64_t encoder(int64_t layers) {
    struct detr_options o = detr;
    struct detr_encoder *e = mem_alloc(1, sizeof *e);
    struct params p = {0};
    o.layers = (int)layers;
    detr_encoder_init(e, params_root(&p), &o);
    tensor *x = t_zeros(SHAPE(1, S, W), T_F32), *pos = t_zeros(SHAPE(S, W), T_F32);
    int64_t scope = begin();
    detr_encoder(e, x, pos);
    int64_t peak = end(scope);
    params_free(&p);
    free(e);
    return peak;
}

static int64_t decoder(int64_t layers) {
    struct detr_options o = detr;
    struct detr_decoder *d = mem_alloc(1, sizeof *d);
    struct params p = {0};
    o.layers = (int)layers;
    detr_decoder_init(d, params_root(&p), &o);
    tensor *query = t_zeros(SHAPE(L, W), T_F32), *pos = t_zeros(SHAPE(S, W), T_F32);
    tensor *memory = t_zeros(SHAPE(1, S, W), T_F32);
    int64_t scope = begin();
    detr_decoder(d, query, memory, pos, true);
    int64_t peak = end(scope);
    params_free(&p);
    free(d);
    return peak;
}

TEST(more_blocks_need_no_more_memory_without_gradients) {
    check("image tower", tower);
    check("image tower with prompts", prompted);
    check("text tower", texts);
    check("packed texts", packed_texts);
    check("CLIP's residual tower", clip_residual);
    check("residual backbone", residual);
    check("Swin", swin);
    check("encoder of queries", encoder);
    check("decoder of queries", decoder);
}
