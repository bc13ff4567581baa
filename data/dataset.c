#include "data/dataset.h"

#include <stdlib.h>

uint16_t dataset_ignore(int64_t n_classes) { return n_classes > 255 ? UINT16_MAX : 255; }

const char *dataset_image_name(const struct dataset *d, int64_t i) {
    return d->image_name && *d->image_name[i] ? d->image_name[i] : NULL;
}

void dataset_close(struct dataset *d) {
    if (d->source && d->source->close) d->source->close(d);
    for (int64_t i = 0; d->caption && i < d->n_captions; i++) free(d->caption[i]);
    for (int64_t i = 0; d->class_name && i < d->n_classes; i++) free(d->class_name[i]);
    for (int64_t i = 0; d->image_name && i < d->n_images; i++) free(d->image_name[i]);
    free(d->image_id);
    free(d->image_name);
    free(d->caption);
    free(d->caption_at);
    free(d->caption_id);
    free(d->class_name);
    free(d->class_seen);
    *d = (struct dataset){0};
}
