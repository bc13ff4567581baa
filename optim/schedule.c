#include "optim/schedule.h"

#include <math.h>

double schedule_rate(const struct schedule *s, int64_t step) {
    double t = (double)step, total = (double)s->total, warmup = (double)s->warmup;
    switch ((enum schedule_kind)s->kind) {
    case SCHEDULE_POLY: {
        double a = warmup > 0 ? t / warmup : 1;
        double f = step >= s->warmup ? 1 : s->warmup_factor * (1 - a) + a;
        return s->base * f * pow(1 - t / total, s->power);
    }
    case SCHEDULE_COSINE:
        if (step < s->warmup) return s->base * (t + 1) / warmup;
        return 0.5 * s->base * (1 + cos(3.141592653589793 * (t - warmup) / (total - warmup)));
    case SCHEDULE_CONSTANT: return step < s->warmup ? s->base * (t + 1) / warmup : s->base;
    }
    return s->base;
}
