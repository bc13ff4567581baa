#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "checkpoints/import_rules.h"

static const char *const words[] = {"weight", "bias", "running_mean", "running_var"};

/* The words of a wildcard are neighbours in the list above. */
static unsigned first_word(char wildcard) { return wildcard == '&' ? 2 : 0; }

unsigned rule_words(char wildcard) {
    switch (wildcard) {
    case '@':
    case '&': return 2;
    case '%': return 4;
    default: return 0;
    }
}

static bool match(const char *p, const char *s, struct rule_found *f);

static bool match_number(const char *p, const char *s, struct rule_found *f) {
    enum { DIGITS_MAX = 4 };
    if (!isdigit((unsigned char)*s) || (*s == '0' && isdigit((unsigned char)s[1]))) return false;
    unsigned x = 0;
    for (int i = 0; isdigit((unsigned char)*s); i++) {
        if (i == DIGITS_MAX) return false;
        x = x * 10 + (unsigned)(*s++ - '0');
    }
    f->number[f->n++] = x;
    return match(p, s, f);
}

static bool match_word(char wildcard, const char *p, const char *s, struct rule_found *f) {
    int n = f->n;
    for (unsigned i = 0; i < rule_words(wildcard); i++) {
        const char *word = words[first_word(wildcard) + i];
        size_t length = strlen(word);
        if (strncmp(s, word, length) != 0) continue;
        f->number[n] = i;
        f->n = n + 1;
        if (match(p, s + length, f)) return true;
    }
    return false;
}

static bool match(const char *p, const char *s, struct rule_found *f) {
    for (;; p++, s++) {
        if (*p == '|') p++;
        if (*p == '#') return match_number(p + 1, s, f);
        if (rule_words(*p)) return match_word(*p, p + 1, s, f);
        if (*p == '*') {
            for (int n = f->n; *s; f->n = n)
                if (match(p + 1, ++s, f)) return true;
            return false;
        }
        if (*p != *s) return false;
        if (!*p) return true;
    }
}

const char *rule_target(const struct import_rule *r) { return r->to ? r->to : r->from; }

bool rule_match(const char *pattern, const char *name, struct rule_found *found) {
    *found = (struct rule_found){0};
    return match(pattern, name, found);
}

char *rule_name(const char *pattern, const struct rule_found *found) {
    struct str out = {0};
    const unsigned *x = found->number;
    for (const char *p = pattern; *p; p++) {
        if (*p == '#' || *p == '+')
            str_add(&out, "%u", *x++ + (*p == '+'));
        else if (rule_words(*p))
            str_add(&out, "%s", words[first_word(*p) + *x++]);
        else if (*p != '|')
            str_put(&out, p, 1);
    }
    return out.at ? out.at : mem_strdup("");
}

size_t rule_part(const char *pattern, int *wildcards) {
    const char *bar = strchr(pattern, '|'), *end = pattern;
    int n = 0;
    *wildcards = 0;
    for (const char *p = pattern; *p; p++) {
        if (*p == '#' || *p == '+' || rule_words(*p)) n++;
        if (bar ? p == bar : *p == '#' || *p == '+') {
            end = p + 1;
            *wildcards = n;
        }
    }
    return (size_t)(end - pattern);
}
