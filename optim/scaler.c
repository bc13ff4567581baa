#include "optim/scaler.h"

#include <math.h>

static const double START = 65536, GROWTH = 2, BACKOFF = 0.5;
static const double LEAST =
    1.0 / 65536; /* gradients that overflow here are not too large, but lost */
enum { GROW_AFTER = 2000 };

void scaler_open(struct scaler *s) { *s = (struct scaler){.scale = START}; }

tensor *scaler_up(const struct scaler *s, tensor *loss) {
    return s->scale > 0 ? t_scale(loss, s->scale) : loss;
}

void scaler_down(const struct scaler *s, struct adamw *o) {
    if (s->scale > 0) adamw_scale_grads(o, 1 / s->scale);
}

bool scaler_passes(struct scaler *s, double norm) {
    if (!(s->scale > 0)) return true;
    if (!isfinite(norm) && s->scale <= LEAST) return true;
    if (!isfinite(norm)) {
        s->scale *= BACKOFF;
        s->good = 0;
        s->skipped++;
        return false;
    }
    if (++s->good == GROW_AFTER) {
        s->scale *= GROWTH;
        s->good = 0;
    }
    return true;
}

void scaler_write(const struct scaler *s, struct json_out *j) {
    if (!(s->scale > 0)) return;
    json_key(j, "scaler");
    json_object(j);
    json_key_real(j, "scale", s->scale);
    json_key_int(j, "good", s->good);
    json_key_int(j, "skipped", s->skipped);
    json_end(j);
}
