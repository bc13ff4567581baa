#include "train/mine/noun_features.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/progress.h"
#include "train/places.h"
#include "train/signals.h"

struct watch {
    struct progress progress;
    const char *stage;
    bool open;
};

static int each(void *ctx, int64_t done, int64_t n) {
    struct watch *w = ctx;
    if (!w->open) progress_open(&w->progress, w->stage, "noun features", 0, n, 30);
    w->open = true;
    progress_at(&w->progress, done, NULL);
    return signals_pending()
               ? signals_error("features are kept, the same command goes on behind them")
               : 0;
}

tensor *noun_features(const struct node *node, const struct clip *c, char *const *nouns,
                      int64_t n) {
    return text_features(node, c, &node->config.text, nouns, n);
}

tensor *text_features(const struct node *node, const struct clip *c,
                      const struct text_options *text, char *const *names, int64_t n) {
    struct watch w = {.stage = node->name};
    char *dir = places_cache_of(node, ".text");
    struct noun_text_options o = {.dir = text->keep ? dir : NULL, .each = each, .ctx = &w};
    tensor *x = noun_text(c, text, names, n, &o);
    if (w.open) progress_close(&w.progress);
    free(dir);
    return x;
}
