#include "data/segment_batches.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* A slot: state of the stream after the batch, samples planned [B]; of the part that is made here:
 * samples used, maps, pixels. */
struct slot {
    int64_t *state, *planned, *used;
    uint16_t *maps;
    uint8_t *pixels;
};

static struct slot slot_in(const struct segment_batches *b, void *memory) {
    int64_t B = b->o.B;
    struct slot s = {.state = memory};
    s.planned = s.state + stream_state_size(B);
    s.used = s.planned + B;
    s.maps = (uint16_t *)(void *)(s.used + B);
    s.pixels = (uint8_t *)(s.maps + b->o.part.count * b->o.H * b->o.W);
    return s;
}

static size_t slot_bytes(const struct segment_batches *b) {
    size_t pixels = (size_t)(b->o.part.count * b->o.H * b->o.W);
    return (size_t)(stream_state_size(b->o.B) + 2 * b->o.B) * sizeof(int64_t) +
           pixels * (3 + sizeof(uint16_t));
}

static void plan(void *ctx, int64_t step, void *memory) {
    (void)step; /* called in the order of steps */
    struct segment_batches *b = ctx;
    struct slot s = slot_in(b, memory);
    memcpy(s.planned, stream_next(&b->stream), (size_t)b->o.B * sizeof *s.planned);
    stream_state(&b->stream, s.state);
}

static int read_sample(const struct segment_batches *b, int64_t i, struct rng *r, uint8_t *pixels,
                       uint16_t *map) {
    const struct dataset *set = b->o.set;
    int64_t H = b->o.H, W = b->o.W;
    struct image im = {0};
    struct labels l = {0};
    int status = set->source->image(set, i, &im);
    if (!status) status = set->source->labels(set, i, &l);
    if (!status && !b->o.sample->crop && (im.h != H || im.w != W))
        status =
            error_set(ERR_DATA, "it is %lld x %lld, the first one %lld x %lld: set segment.crop",
                      (long long)im.w, (long long)im.h, (long long)W, (long long)H);
    if (!status) status = segment_sample(b->o.sample, r, &im, &l, H, W, set->ignore, pixels, map);
    for (int64_t k = 0; !status && k < H * W; k++)
        map[k] = map[k] < set->n_classes ? b->o.name_of[map[k]] : set->ignore;
    image_free(&im);
    labels_free(&l);
    return status ? error_context("picture %lld", (long long)set->image_id[i]) : 0;
}

static int make_sample(void *ctx, int64_t i, struct rng *r, int64_t place, void *memory) {
    const struct segment_batches *b = ctx;
    struct slot s = slot_in(b, memory);
    int64_t pixels = b->o.H * b->o.W;
    return read_sample(b, i, r, s.pixels + place * 3 * pixels, s.maps + place * pixels);
}

static int fill(void *ctx, int64_t step, void *memory) {
    struct segment_batches *b = ctx;
    struct slot s = slot_in(b, memory);
    struct batch_maker m = {
        .ctx = b, .sample = make_sample, .seed = b->o.seed, .purpose = b->o.purpose};
    return batch_make(&m, &b->damage, step, s.planned, b->o.B, b->o.part, s.used, memory);
}

/* Wider than high, or not; where the set does not know, of the decoded picture. One that cannot be
 * read is of kind 0: it will be met again. */
static void find_kinds(struct segment_batches *b) {
    const struct dataset *set = b->o.set;
    b->kind = mem_alloc((size_t)set->n_images, sizeof *b->kind);
    for (int64_t i = 0; i < set->n_images; i++) {
        if (set->size) {
            b->kind[i] = set->size[2 * i + 1] > set->size[2 * i];
            continue;
        }
        struct image im = {0};
        if (!set->source->image(set, i, &im)) b->kind[i] = im.w > im.h;
        error_clear();
        image_free(&im);
    }
}

void segment_batches_open(struct segment_batches *b, const struct segment_batches_options *o) {
    *b = (struct segment_batches){.o = *o};
    if (!o->part.count) b->o.part = (struct batch_part){0, o->B};
    if (o->sample->group) find_kinds(b);
    stream_open(&b->stream, o->seed, o->purpose, o->set->n_images, o->B, b->kind);
    damage_open(&b->damage, o->damage, o->set->n_images);
}

void segment_batches_close(struct segment_batches *b) {
    loader_close(b->loader);
    if (b->stream.order) stream_close(&b->stream);
    damage_close(&b->damage);
    free(b->kind);
    *b = (struct segment_batches){0};
}

int segment_batches_restore(struct segment_batches *b, const cJSON *state) {
    int status = stream_restore(&b->stream, cJSON_GetObjectItemCaseSensitive(state, "stream"));
    if (status) return status;
    return damage_restore(&b->damage, cJSON_GetObjectItemCaseSensitive(state, "damaged"));
}

int segment_batches_start(struct segment_batches *b, struct loader_options o, int64_t step,
                          int64_t end) {
    b->loader = loader_open(o, (struct loader_source){b, slot_bytes(b), plan, fill}, step, end);
    return b->loader ? 0 : error_status();
}

int segment_batches_next(struct segment_batches *b, struct segment_batch *out) {
    b->slot = NULL;
    *out = (struct segment_batch){0};
    void *memory;
    if (loader_next(b->loader, &memory)) return error_status();
    struct slot s = slot_in(b, memory);
    b->slot = memory;
    *out = (struct segment_batch){.sample = s.used, .maps = s.maps, .pixels = s.pixels};
    return 0;
}

void segment_batches_keep(struct segment_batches *b, struct json_out *j) {
    REQUIRE(b->slot, "no batch was handed out");
    json_object(j);
    json_key(j, "stream");
    stream_state_write(slot_in(b, b->slot).state, b->o.B, j);
    json_key(j, "damaged");
    damage_write(&b->damage, j);
    json_end(j);
}
