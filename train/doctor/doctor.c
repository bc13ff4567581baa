#include "train/doctor/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

const char *const finding_level_names[] = {"ok", "none", "warning", "bad"};

void finding_add(struct findings *f, const char *topic, enum finding_level level, const char *name,
                 const char *remedy, const char *text, ...) {
    char line[2048];
    va_list ap;
    va_start(ap, text);
    utf8_vformat(line, sizeof line, text, ap);
    va_end(ap);
    f->at = mem_grow(f->at, &f->cap, f->n + 1, sizeof *f->at);
    f->at[f->n++] = (struct finding){.topic = topic,
                                     .level = level,
                                     .name = mem_strdup(name),
                                     .text = mem_strdup(line),
                                     .remedy = remedy ? mem_strdup(remedy) : NULL};
}

void findings_free(struct findings *f) {
    for (size_t i = 0; i < f->n; i++) {
        free(f->at[i].name);
        free(f->at[i].text);
        free(f->at[i].remedy);
    }
    free(f->at);
    *f = (struct findings){0};
}
