#include <stdlib.h>

#include "base/json.h"
#include "data/vocabulary.h"

static void print_texts(const struct strings *l, const char *key, struct str *out) {
    for (size_t i = 0; i < l->n; i++) {
        if (i)
            str_add(out, ", ");
        else
            str_add(out, ", %s: [", key);
        json_quote(out, l->at[i]);
    }
    if (l->n) str_add(out, "]");
}

static void print_class(const struct vocabulary_class *c, struct str *out) {
    str_add(out, "  - {name: ");
    json_quote(out, c->name);
    print_texts(&c->synonyms, "synonyms", out);
    print_texts(&c->prompts, "prompts", out);
    if (c->has_colour)
        str_add(out, ", colour: [%d, %d, %d]", c->colour[0], c->colour[1], c->colour[2]);
    if (c->kind != KIND_UNKNOWN)
        str_add(out, ", kind: %s", c->kind == KIND_THING ? "thing" : "stuff");
    if (c->raw >= 0) str_add(out, ", raw: %d", (int)c->raw);
    if (c->unseen) str_add(out, ", split: unseen");
    if (c->group) {
        str_add(out, ", group: ");
        json_quote(out, c->group);
    }
    str_add(out, "}\n");
}

void vocabulary_print(const struct vocabulary *v, const char *comment, struct str *out) {
    str_add(out, "%sclasses:\n", comment);
    for (size_t k = 0; k < v->n; k++) print_class(&v->at[k], out);
}
