/* Apart from the rows, which other programs read without the rest of this folder. */
#include "eval/measure_options.h"

enum { NETWORK_STRIDE = 32 }; /* pixels, of the deepest features */

void eval_check(const struct eval_options *o, const char *path, struct problems *p) {
    bool many = views_many(&o->views);
    if (o->crf.enabled && o->demo)
        problems_add(p,
                     "%s: eval.crf.enabled: the demonstration's labels are its own, eval.demo goes "
                     "without",
                     path);
    if (o->panoptic.enabled && many)
        problems_add(p,
                     "%s: eval.panoptic.enabled: segments are of one view of a picture, without "
                     "eval.tta and eval.sliding",
                     path);
    if (many && o->original)
        problems_add(p,
                     "%s: eval.original: crops of the picture itself go with one view of it, "
                     "without eval.tta and eval.sliding",
                     path);
    if (o->views.sliding && o->views.tile > 0 && o->views.tile < NETWORK_STRIDE)
        problems_add(p,
                     "%s: eval.sliding.tile: a network tells nothing apart in squares of %lld "
                     "pixels, and there are many: %d at least",
                     path, (long long)o->views.tile, NETWORK_STRIDE);
    if (o->views.tta && !o->views.sizes.n)
        problems_add(p, "%s: eval.tta.sizes: there are none", path);
}

bool measure_searches(const struct measure_options *o) { return o->lambdas.n || o->thresholds.n; }

void measure_check(const struct measure_options *o, const struct eval_options *eval,
                   const char *path, struct problems *p) {
    bool many = views_many(&eval->views);
    if (many && (o->oracles || measure_searches(o)))
        problems_add(p,
                     "%s: measure.%s: goes with one view of a picture, without eval.tta and "
                     "eval.sliding",
                     path,
                     o->oracles     ? "oracles"
                     : o->lambdas.n ? "lambdas"
                                    : "thresholds");
    if (o->csv && !o->analysis)
        problems_add(p,
                     "%s: measure.csv: is written from analysis.h5, which measure.analysis=false "
                     "leaves out",
                     path);
    if (measure_searches(o) && !eval->ensemble)
        problems_add(p, "%s: measure.%s: eval.ensemble is off: CLIP is not asked", path,
                     o->lambdas.n ? "lambdas" : "thresholds");
}
