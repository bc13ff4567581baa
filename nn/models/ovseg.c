#include "nn/models/ovseg.h"

#include "base/error.h"

void ovseg_init(struct ovseg *m, struct path at, const struct maskformer_options *proposals,
                const struct clip_options *clip) {
    REQUIRE(proposals->text_width == clip->features, "names of length %lld for features of %lld",
            (long long)proposals->text_width, (long long)clip->features);
    *m = (struct ovseg){0};
    maskformer_init(&m->proposals, at, proposals);
    clip_init(&m->clip, path_at(at, "clip_adapter.clip_model"), clip);
}

void ovseg_free(struct ovseg *m) { clip_free(&m->clip); }
