/* Label maps that are painted: a PNG whose colours stand for classes, by a table. */
#pragma once

#include "base/hash.h"
#include "data/image.h"
#include "data/vocabulary.h"

struct colour_class {
    uint32_t rgb; /* 0xrrggbb */
    uint16_t class;
};

struct colour_table {
    struct colour_class *at; /* [n], by rising rgb */
    size_t n;
    uint16_t ignore; /* what black is, where no class is black */
};

/* The colours of a vocabulary; `names`: its path, for messages. ERR_DATA: classes without a colour,
 * two of one colour. */
int colour_table_of(struct colour_table *t, const struct vocabulary *v, const char *names,
                    uint16_t ignore);
void colour_table_free(struct colour_table *t);
void colour_table_hash(const struct colour_table *t, struct hasher *h);

/* The classes of a painted PNG (RGB, with or without alpha, which does not count; grey; palette).
 * Black is `ignore` unless it is a class's. ERR_DATA for any other colour, with its first place. */
int labels_decode_colours(const void *bytes, size_t n, const char *name,
                          const struct colour_table *t, struct labels *out);
