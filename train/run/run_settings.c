#include "train/run/run_settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"

/* "key: value     # origin", as settings_write() has it: the origin is behind the last " # ". */
static bool read_line(struct said_settings *s, char *line) {
    char *colon = strstr(line, ": "), *origin = NULL;
    for (char *at = line; (at = strstr(at, " # ")); at += 3) origin = at;
    if (!colon || !origin || origin < colon + 2) return false;
    char *end = origin;
    while (end > colon + 2 && end[-1] == ' ') end--;
    *colon = *end = '\0';
    s->at = mem_grow(s->at, &s->cap, s->n + 1, sizeof *s->at);
    s->at[s->n++] = (struct said_setting){.key = mem_strdup(line),
                                          .value = mem_strdup(end > colon + 2 ? colon + 2 : ""),
                                          .origin = mem_strdup(origin + 3)};
    return true;
}

int run_settings_read(struct said_settings *s, const char *dir) {
    char *path = path_join(dir, "settings.yaml");
    struct bytes text = {0};
    *s = (struct said_settings){0};
    int status = file_read(path, 1 << 20, &text);
    for (char *line = (char *)text.at; !status && *line;) {
        char *end = strchr(line, '\n');
        if (end) *end = '\0';
        if (*line && !read_line(s, line))
            status = error_set(ERR_DATA, "%s: \"%s\": is no line of ours: was it edited?", path,
                               utf8_short(line, 60).at);
        line = end ? end + 1 : line + strlen(line);
    }
    bytes_free(&text);
    free(path);
    return status;
}

void run_settings_free(struct said_settings *s) {
    for (size_t i = 0; i < s->n; i++) {
        free(s->at[i].key);
        free(s->at[i].value);
        free(s->at[i].origin);
    }
    free(s->at);
    *s = (struct said_settings){0};
}

static int compare_lines(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void run_settings_lines(const struct said_settings *s, struct str *out) {
    struct strings lines = {0};
    for (size_t i = 0; i < s->n; i++) {
        char *line = mem_format("%s=%s", s->at[i].key, s->at[i].value);
        strings_add(&lines, line);
        free(line);
    }
    if (lines.n) qsort(lines.at, lines.n, sizeof *lines.at, compare_lines);
    str_put(out, "", 0);
    for (size_t i = 0; i < lines.n; i++) str_add(out, "%s\n", lines.at[i]);
    strings_free(&lines);
}
