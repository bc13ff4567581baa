#include "tests/parity/report.h"

const char *report_verdict(struct report *r, bool ok) {
    r->compared++;
    r->failed += !ok;
    return ok ? "ok" : "DIFFERS";
}

void report_line(struct report *r, const char *name, double found, double allowed) {
    const char *verdict = report_verdict(r, found <= allowed);
    str_add(&r->text, "%-32s %10.3g  allowed %8.2g  %s\n", name, found, allowed, verdict);
}

void report_free(struct report *r) { str_free(&r->text); }
