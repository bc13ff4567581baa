/* Manual pages, in man(7). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "configs/config.h"
#include "train/describe/described.h"

enum { WIDE = 78 }; /* bytes of a line of the source */

static const char *dated; /* the version */

/* A character as roff; at the start of a line one that would be a request is none. */
static void put_char(struct str *out, char c) {
    static const struct {
        char c;
        const char *roff;
    } special[] = {{'\\', "\\e"},  {'-', "\\-"},   {'~', "\\(ti"},
                   {'^', "\\(ha"}, {'`', "\\(ga"}, {'\'', "\\(aq"}};
    if (c == '.' && (!out->n || out->at[out->n - 1] == '\n')) str_add(out, "\\&");
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (special[i].c == c) {
            str_add(out, "%s", special[i].roff);
            return;
        }
    str_put(out, &c, 1);
}

static void put_text(struct str *out, const char *text) {
    for (; *text; text++) put_char(out, *text);
}

/* The same where roff fills lines: long ones are cut, blanks at the end left out. */
static void put_filled(struct str *out, const char *text) {
    while (*text) {
        size_t blanks = strspn(text, " "), n = strcspn(text + blanks, " ");
        struct str word = {0};
        if (!n) return;
        for (size_t i = 0; i < n; i++) put_char(&word, text[blanks + i]);
        size_t line = 0;
        while (line < out->n && out->at[out->n - line - 1] != '\n') line++;
        bool cut = blanks && line + 1 + word.n > WIDE;
        if (blanks) str_add(out, cut ? "\n" : " ");
        str_put(out, word.at, word.n);
        str_free(&word);
        text += blanks + n;
    }
}

/* Paragraphs, between empty lines; lines that begin with blanks stay as they are. */
static void put_paragraphs(struct str *out, const char *text) {
    bool plain = false;
    while (*text) {
        size_t n = strcspn(text, "\n");
        char *line = mem_format("%.*s", (int)n, text);
        bool wants_plain = *line == ' ' || strstr(line, "      ");
        if (n && wants_plain != plain) {
            str_add(out, wants_plain ? ".nf\n" : ".fi\n");
            plain = wants_plain;
        }
        if (n) {
            (plain ? put_text : put_filled)(out, line);
            str_add(out, "\n");
        } else if (text[1]) {
            str_add(out, plain ? ".fi\n.PP\n" : ".PP\n");
            plain = false;
        }
        free(line);
        text += n + (text[n] == '\n');
    }
    if (plain) str_add(out, ".fi\n");
}

static void put_head(struct str *out, const char *title, int section, const char *name,
                     const char *help) {
    str_add(out, ".\\\" Made from the program's own tables: train/describe.\n.TH ");
    put_text(out, title);
    str_add(out, " %d \"%s\" \"ovseg %s\" \"ovseg\"\n.SH NAME\n", section, dated, OVSEG_VERSION);
    put_text(out, name);
    str_add(out, " \\- ");
    put_filled(out, help);
    str_add(out, "\n");
}

static void put_option(struct str *out, const struct described_option *o) {
    bool some = false;
    if (o->header) {
        str_add(out, ".SS ");
        put_text(out, o->header);
        str_add(out, "\n");
    }
    str_add(out, ".TP\n");
    for (const char *s = o->shorts; *s; s++) {
        str_add(out, "%s\\fB\\-%s\\fR", some ? ", " : "", *s == '\\' ? "\\e" : (char[]){*s, 0});
        if (o->argument && !o->longs.n) {
            str_add(out, " \\fI");
            put_text(out, o->argument);
            str_add(out, "\\fR");
        }
        some = true;
    }
    for (size_t i = 0; i < o->longs.n; i++) {
        str_add(out, "%s\\fB\\-\\-", some ? ", " : "");
        put_text(out, o->longs.at[i]);
        str_add(out, "\\fR");
        if (o->argument) {
            str_add(out, o->optional ? "[=\\fI" : "=\\fI");
            put_text(out, o->argument);
            str_add(out, o->optional ? "\\fR]" : "\\fR");
        }
        some = true;
    }
    str_add(out, "\n");
    put_filled(out, o->doc);
    str_add(out, "\n");
}

/* `ovseg NAME [OPTION...] ARGUMENTS`, once for each line of args_doc. */
static void put_synopsis(struct str *out, const struct described *c) {
    const char *all = c->argp->args_doc ? c->argp->args_doc : "", *at = all;
    do {
        size_t n = strcspn(at, "\n");
        char *line = mem_format("%.*s", (int)n, at);
        str_add(out, "%s\\fBovseg ", at == all ? "" : ".PP\n");
        put_text(out, c->name);
        str_add(out, "\\fR [\\fIOPTION\\fR...]%s", *line ? " " : "");
        put_filled(out, line);
        str_add(out, "\n");
        free(line);
        at += n + (at[n] == '\n');
    } while (*at);
}

/* The half of a doc before its \v, or behind it; owned. */
static char *half(const char *doc, bool second) {
    const char *cut = doc ? strchr(doc, '\v') : NULL;
    if (!doc || (second && !cut)) return mem_strdup("");
    return second ? mem_strdup(cut + 1)
                  : mem_format("%.*s", cut ? (int)(cut - doc) : (int)strlen(doc), doc);
}

static void put_notes(struct str *out, const char *notes) {
    static const char exit_status[] = "Exit status: ";
    const char *status = strstr(notes, exit_status);
    char *before = mem_format("%.*s", status ? (int)(status - notes) : (int)strlen(notes), notes);
    size_t n = strlen(before);
    while (n && before[n - 1] == '\n') before[--n] = '\0';
    if (*before) {
        str_add(out, ".SH NOTES\n");
        put_paragraphs(out, before);
    }
    if (status) {
        str_add(out, ".SH EXIT STATUS\n");
        put_paragraphs(out, status + sizeof exit_status - 1);
    }
    free(before);
}

static void put_parts(struct str *out, const struct description *d, const char *command) {
    bool some = false;
    for (size_t i = 0; i < d->n; i++) {
        const struct described *c = &d->at[i];
        if (!described_is_part(c, command)) continue;
        if (!some) str_add(out, ".SH PARTS\nEach has a page of its own.\n");
        some = true;
        str_add(out, ".TP\n\\fBovseg ");
        put_text(out, c->name);
        str_add(out, "\\fR\n");
        put_filled(out, c->help);
        str_add(out, "\n");
    }
}

/* "runs list" is ovseg-runs-list; owned. */
static char *page_name(const struct described *c) {
    char *name = mem_format("ovseg-%s", c->name);
    for (char *at = name; *at; at++)
        if (*at == ' ') *at = '-';
    return name;
}

static int put_file(const char *dir, const char *name, int section, struct str *text) {
    char *file = mem_format("man%d/%s.%d", section, name, section), *path = path_join(dir, file);
    int status = file_write(path, text->at, text->n);
    str_free(text);
    free(path);
    free(file);
    return status;
}

static int write_command(const struct description *d, const struct described *c, const char *dir) {
    struct str out = {0};
    char *name = page_name(c), *title = mem_strdup(name);
    for (char *at = title; *at; at++)
        if (*at >= 'a' && *at <= 'z') *at = (char)(*at - 'a' + 'A');
    put_head(&out, title, 1, name, c->help);
    str_add(&out, ".SH SYNOPSIS\n");
    if (c->argp) {
        put_synopsis(&out, c);
        char *before = half(c->argp->doc, false), *behind = half(c->argp->doc, true);
        str_add(&out, ".SH DESCRIPTION\n");
        put_paragraphs(&out, before);
        put_parts(&out, d, c->name);
        str_add(&out, ".SH OPTIONS\n");
        for (size_t i = 0; i < c->n; i++) put_option(&out, &c->option[i]);
        put_notes(&out, behind);
        free(before);
        free(behind);
    } else {
        str_add(&out, "\\fBovseg %s\\fR \\fIPART\\fR [\\fIARGUMENT\\fR...]\n", c->name);
        put_parts(&out, d, c->name);
    }
    str_add(&out, ".SH SEE ALSO\n.BR ovseg (1),\n.BR ovseg\\-settings (5)\n");
    int status = put_file(dir, name, 1, &out);
    free(title);
    free(name);
    return status;
}

static int write_program(const struct description *d, const char *dir) {
    struct str out = {0};
    put_head(&out, "OVSEG", 1, "ovseg", "open-vocabulary semantic segmentation");
    str_add(&out,
            ".SH SYNOPSIS\n\\fBovseg\\fR \\fICOMMAND\\fR [\\fIARGUMENT\\fR...]\n"
            ".PP\n\\fBovseg\\-train\\fR [\\fIARGUMENT\\fR...]\n"
            ".SH DESCRIPTION\nTrains a network of mask proposals, mines mask\\-noun pairs\n"
            "from captions, adapts CLIP to masked regions, and segments pictures\nwith any names.\n"
            "\\fBovseg\\-train\\fR is \\fBovseg train\\fR.\n"
            ".SH OPTIONS\n.TP\n\\fB\\-\\-help\\fR\nList the commands\n"
            ".TP\n\\fB\\-\\-version\\fR\nPrint the versions of the program and of its "
            "libraries\n.SH COMMANDS\n");
    for (size_t i = 0; i < d->n; i++) {
        str_add(&out, ".TP\n\\fB");
        put_text(&out, d->at[i].name);
        str_add(&out, "\\fR\n");
        put_filled(&out, d->at[i].help);
        str_add(&out, "\n");
    }
    str_add(&out, ".SH SEE ALSO\n.BR ovseg\\-settings (5)");
    for (size_t i = 0; i < d->n; i++) {
        char *name = page_name(&d->at[i]);
        str_add(&out, ",\n.BR ");
        put_text(&out, name);
        str_add(&out, " (1)");
        free(name);
    }
    str_add(&out, "\n");
    return put_file(dir, "ovseg", 1, &out);
}

/* A setting once, though the tables of several stages have it. */
static bool is_first(struct settings_table t, size_t group, size_t row, const char *key) {
    for (size_t k = 0; k <= group; k++)
        for (size_t i = 0; i < (k == group ? row : t.at[k].n); i++) {
            char other[SETTING_MAX_KEY];
            setting_key(&t.at[k], &t.at[k].rows[i], other);
            if (strcmp(other, key) == 0) return false;
        }
    return true;
}

static int write_settings(const char *dir) {
    struct settings_table t = config_known();
    struct str out = {0};
    put_head(&out, "OVSEG-SETTINGS", 5, "ovseg-settings", "the settings of configs");
    str_add(&out,
            ".SH DESCRIPTION\nA config is YAML; settings are also given on the command line, "
            "as KEY=VALUE.\n.SH SETTINGS\n");
    for (size_t k = 0; k < t.n; k++)
        for (size_t i = 0; i < t.at[k].n; i++) {
            const struct setting *s = &t.at[k].rows[i];
            char key[SETTING_MAX_KEY];
            setting_key(&t.at[k], s, key);
            if (!is_first(t, k, i, key)) continue;
            str_add(&out, ".TP\n\\fB");
            put_text(&out, key);
            str_add(&out, "\\fR");
            if (s->fallback && *s->fallback) {
                str_add(&out, ": ");
                put_text(&out, s->fallback);
            }
            str_add(&out, "\n");
            put_filled(&out, s->help);
            for (size_t c = 0; s->type == SET_CHOICE && s->choices[c]; c++) {
                str_add(&out, c ? ",\n" : "\n(");
                put_text(&out, s->choices[c]);
            }
            str_add(&out, s->type == SET_CHOICE ? ")\n" : "\n");
        }
    str_add(&out, ".SH SEE ALSO\n.BR ovseg (1),\n.BR ovseg\\-train (1)\n");
    return put_file(dir, "ovseg-settings", 5, &out);
}

int write_pages(const struct description *d, const char *dir, const char *date) {
    dated = date;
    char *man1 = path_join(dir, "man1"), *man5 = path_join(dir, "man5");
    int status = dir_make(man1);
    if (!status) status = dir_make(man5);
    if (!status) status = write_program(d, dir);
    if (!status) status = write_settings(dir);
    for (size_t i = 0; i < d->n && !status; i++) status = write_command(d, &d->at[i], dir);
    free(man1);
    free(man5);
    return status;
}
