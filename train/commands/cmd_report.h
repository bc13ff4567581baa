/* Parts of `ovseg report`. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct report_compare {
    char *const *word;             /* [2] runs, configs, or a result.json */
    const char *runs;              /* where a run's name is looked for */
    const char *model_a, *model_b; /* NULL: every model that both have */
    int64_t resamples;
    uint64_t seed;
    size_t classes;     /* lines of classes */
    const char *output; /* a folder for differences.csv and class-differences.csv; NULL */
};
int report_compare(const struct report_compare *c);
