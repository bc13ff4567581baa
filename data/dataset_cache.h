/* A data set in memory, for small images that are read over and over. */
#pragma once

#include "data/dataset.h"

/* Decodes everything once when it fits max_mib MiB, and puts itself in place of the source. True
 * when done; false leaves the data set as it was. Samples that cannot be read are asked of the
 * source each time and keep their error. Decodes in parallel: not for loader threads. */
bool dataset_cache(struct dataset *d, int64_t max_mib);
