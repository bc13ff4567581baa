/* The layouts of weights that are read, as tables of names; read backwards they tell how weights
 * are named on their way out. Inside checkpoints/import*.c and export*.c.
 *
 * A pattern is a name with wildcards:
 *   #  a number          @  weight, bias
 *   *  any text          &  running_mean, running_var         %  all four
 * In the new name # + @ & % stand for what the pattern found, in the same order; + is a number and
 * one. A | ends what tells one part of the model from its siblings (without one: the last #).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum rule_how {
    RULE_USE,
    RULE_TRANSPOSE,
    RULE_QUERY, /* rows of one matrix: query, key, value in this order */
    RULE_KEY,
    RULE_VALUE,
    RULE_DROP,
};

/* When the tensors of a rule may be missing. Rules with the same beginning describe one part. */
enum rule_need {
    RULE_ALWAYS, /* never; there must be a part, too */
    RULE_WHERE,  /* only together with their part */
    RULE_ALIKE,  /* only in all parts at once */
    RULE_FREELY,
};

struct import_rule {
    const char *from, *to; /* `to` NULL: keeps its name; of a dropped one: the name of the rule */
    enum rule_how how;
    enum rule_need need;
};

/* Tensors that belong together: when one is there, all that its rules need are. */
struct import_group {
    const char *from, *to; /* prefixes of the names */
    const struct import_rule *rules;
    const char *when; /* a name behind `from` that is there when this kind is; NULL: always */
};

enum import_family {
    IMPORT_OURS,        /* a file that this program wrote */
    IMPORT_PLAIN,       /* none of the others: its own names, which may be those of a model */
    IMPORT_OVSEG,       /* reference-spec 3.2 */
    IMPORT_OPENAI,      /* 3.4 */
    IMPORT_OPEN_CLIP,   /* 3.5 */
    IMPORT_HF_CLIP,     /* Hugging Face's CLIPModel */
    IMPORT_SWIN,        /* 3.7, as are the next two */
    IMPORT_TORCHVISION, /* ResNet */
    IMPORT_DETECTRON2,  /* ResNet */
    IMPORT_FAMILIES,
};

struct import_layout {
    const char *name;     /* for people */
    const char *signs[4]; /* patterns, one of which tells the family */
    const char *needs[4]; /* new names, as patterns, without which it is not whole */
    struct import_group group[12];
};
extern const struct import_layout import_layouts[IMPORT_FAMILIES];

/* What is told by its tensors and refused by its name. */
struct import_foreign {
    const char *sign, *name;
};
extern const struct import_foreign import_foreigns[];
extern const size_t n_import_foreigns;

enum { RULE_FOUND_MAX = 4 };

struct rule_found {
    int n;
    unsigned number[RULE_FOUND_MAX]; /* numbers, and which of the words */
};

/* The new name as a pattern, of a rule that drops nothing. */
const char *rule_target(const struct import_rule *r);

bool rule_match(const char *pattern, const char *name, struct rule_found *found);
/* The name that a pattern stands for, owned. */
char *rule_name(const char *pattern, const struct rule_found *found);
/* Wildcards that the beginning of a pattern holds, and how long it is. */
size_t rule_part(const char *pattern, int *wildcards);
/* How many words the wildcard may stand for; 0: it is a number. */
unsigned rule_words(char wildcard);
