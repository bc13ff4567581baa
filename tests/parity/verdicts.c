#include "tests/parity/verdicts.h"

const char *verdicts_word(struct verdicts *r, bool ok) {
    r->compared++;
    r->failed += !ok;
    return ok ? "ok" : "DIFFERS";
}

void verdicts_line(struct verdicts *r, const char *name, double found, double allowed) {
    const char *verdict = verdicts_word(r, found <= allowed);
    str_add(&r->text, "%-32s %10.3g  allowed %8.2g  %s\n", name, found, allowed, verdict);
}

void verdicts_free(struct verdicts *r) { str_free(&r->text); }
