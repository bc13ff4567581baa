/* The classes of masks: a vocabulary (data/vocabulary.h), a name a line, or a table of names with
 * the values or the colours that stand for them in the maps. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text_file.h"
#include "data/class_names.h"
#include "train/own/own.h"

enum { NAMES_BYTES_MAX = 8 << 20, FIELDS = 8, NUMBERS = 4 };

/* A line taken apart. */
struct row {
    char *text; /* what is no number; owned */
    long number[NUMBERS];
    int numbers, texts;
    bool hex; /* number[0] was #rrggbb */
    size_t line;
};

static void trim(const char **s, size_t *n) {
    while (*n && (unsigned char)**s <= ' ') (*s)++, (*n)--;
    while (*n && (unsigned char)(*s)[*n - 1] <= ' ') (*n)--;
    if (*n >= 2 && **s == '"' && memchr(*s + 1, '"', *n - 1) == *s + *n - 1) (*s)++, *n -= 2;
}

static bool take_number(const char *s, size_t n, struct row *r) {
    char text[16], *end;
    if (!n || n >= sizeof text || r->numbers == NUMBERS) return false;
    memcpy(text, s, n);
    text[n] = '\0';
    bool hex = text[0] == '#' && n == 7;
    errno = 0;
    long x = strtol(hex ? text + 1 : text, &end, hex ? 16 : 10);
    if (*end || errno || x < 0 || x > (hex ? 0xffffff : 65535)) return false;
    r->hex |= hex;
    r->number[r->numbers++] = x;
    return true;
}

static void take_field(const char *s, size_t n, struct row *r) {
    trim(&s, &n);
    if (!n || take_number(s, n, r)) return;
    if (!r->texts++) r->text = mem_format("%.*s", (int)n, s);
}

/* A field may be in quotation marks, where a separator is one of its letters. */
static size_t field_length(const char *s, size_t n, char separator) {
    const char *quote = *s == '"' ? memchr(s + 1, '"', n - 1) : NULL, *from = quote ? quote : s;
    const char *stop = memchr(from, separator, n - (size_t)(from - s));
    return stop ? (size_t)(stop - s) : n;
}

static void take_fields(const char *s, size_t n, char separator, struct row *r) {
    for (size_t at = 0; at < n;) {
        size_t k = field_length(s + at, n - at, separator);
        take_field(s + at, k, r);
        at += k + 1;
    }
}

static size_t word(const char *s, size_t n) {
    size_t k = 0;
    while (k < n && s[k] != ' ' && s[k] != '\t') k++;
    return k;
}

/* "64 128 64 tree", "12 tree", "#408040 tree"; and "tree 64 128 64", "tree #408040", but "route 66"
 * is a name. */
static void take_words(const char *s, size_t n, struct row *r) {
    const char *at = s;
    size_t left = n, k;
    while ((k = word(at, left)) < left && take_number(at, k, r)) {
        at += k, left -= k;
        trim(&at, &left);
    }
    for (k = left; k && at[k - 1] != ' ' && at[k - 1] != '\t';) k--;
    if (!r->numbers && k && at[k] == '#' && take_number(at + k, left - k, r)) {
        left = k;
        trim(&at, &left);
    }
    for (int behind = 0; !r->numbers && behind < 3; behind++) {
        struct row one = {0};
        size_t from = left;
        while (from && at[from - 1] != ' ' && at[from - 1] != '\t') from--;
        if (!from || !take_number(at + from, left - from, &one)) break;
        r->number[2 - behind] = one.number[0];
        left = from;
        trim(&at, &left);
        if (behind == 2) r->numbers = 3;
    }
    if (!r->numbers) at = s, left = n;
    r->text = mem_format("%.*s", (int)left, at);
    r->texts = 1;
}

static char separator_of(const char *s, size_t n) {
    if (memchr(s, '\t', n)) return '\t';
    return memchr(s, ',', n) ? ',' : ';';
}

/* By tabs, commas or semicolons; without one by blanks. */
static struct row take_apart(const char *s, size_t n, size_t line) {
    struct row r = {.line = line};
    char separator = separator_of(s, n);
    if (memchr(s, separator, n)) take_fields(s, n, separator, &r);
    bool mixed = separator == '\t' && r.texts && !r.numbers; /* "64 128 64<tab>tree" */
    if (memchr(s, separator, n) && !mixed) return r;
    free(r.text);
    r = (struct row){.line = line};
    take_words(s, n, &r);
    return r;
}

struct rows {
    struct row *at;
    size_t n, cap;
};

static void rows_free(struct rows *r) {
    for (size_t i = 0; i < r->n; i++) free(r->at[i].text);
    free(r->at);
}

static bool is_head(const struct row *r) {
    static const char *const words[] = {"name",     "names", "class", "classes", "label",
                                        "category", "id",    "index", "value",   "r",
                                        "red",      "g",     "green", "b",       "blue"};
    bool is = false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        is |= r->text && strcasecmp(r->text, words[i]) == 0;
    return is && !r->numbers && r->texts > 1;
}

/* The columns of red, green and blue, where a first line names them. */
struct channels {
    bool known;
    char separator;
    size_t at[3];
};

static struct channels find_channels(const char *head) {
    static const char *const words[3][2] = {{"r", "red"}, {"g", "green"}, {"b", "blue"}};
    size_t left = strlen(head), found = 0;
    struct channels c = {.separator = separator_of(head, left)};
    for (size_t field = 0;; field++) {
        size_t whole = field_length(head, left, c.separator), n = whole;
        const char *s = head;
        trim(&s, &n);
        for (int i = 0; i < 3; i++)
            for (int k = 0; k < 2; k++)
                if (n == strlen(words[i][k]) && strncasecmp(s, words[i][k], n) == 0) {
                    c.at[i] = field;
                    found |= (size_t)1 << i;
                }
        if (whole == left) break;
        head += whole + 1;
        left -= whole + 1;
    }
    c.known = found == 7;
    return c;
}

/* The line's numbers in the order red, green, blue; false: there are not all. */
static bool reorder(struct row *r, const char *line, const struct channels *c) {
    struct row rgb = {0};
    for (int i = 0; i < 3; i++) {
        const char *s = line;
        size_t left = strlen(s), n = field_length(s, left, c->separator);
        for (size_t k = 0; k < c->at[i]; k++) {
            if (n == left) return false;
            s += n + 1;
            left -= n + 1;
            n = field_length(s, left, c->separator);
        }
        trim(&s, &n);
        if (!take_number(s, n, &rgb) || rgb.hex) return false;
    }
    memcpy(r->number, rgb.number, sizeof r->number);
    r->numbers = 3;
    return true;
}

/* Tables whose first line has the columns in another order, as OpenCV's users have them. */
static void heed_head(struct rows *rows, const struct strings *lines) {
    if (!rows->n || !is_head(&rows->at[0])) return;
    struct channels c = find_channels(lines->at[0]);
    for (size_t i = 1; i < rows->n && c.known; i++)
        if (!reorder(&rows->at[i], lines->at[i], &c)) rows->at[i].numbers = 0;
}

static bool is_table(const char *path) {
    const char *dot = strrchr(path, '.');
    return dot && (strcasecmp(dot, ".csv") == 0 || strcasecmp(dot, ".tsv") == 0);
}

static void add_name(struct vocabulary *v, const char *name, long raw, size_t line) {
    vocabulary_add(v, name);
    v->at[v->n - 1].raw = (int32_t)raw;
    v->at[v->n - 1].line = line;
}

static void add_colour(struct vocabulary *v, const struct row *r) {
    int first = r->numbers == 4 || (r->hex && r->numbers == 2) ? 1 : 0;
    struct vocabulary_class *c;
    add_name(v, r->text, -1, r->line);
    c = &v->at[v->n - 1];
    c->has_colour = true;
    for (int i = 0; i < 3; i++) {
        long x = r->hex ? r->number[first] >> (16 - 8 * i) & 255 : r->number[first + i];
        c->colour[i] = (uint8_t)x;
    }
}

static bool is_colour(const struct row *r) {
    bool bytes = r->hex || r->numbers == 3 || r->numbers == 4;
    for (int i = r->numbers == 4; i < r->numbers && !r->hex; i++) bytes &= r->number[i] <= 255;
    return bytes && r->texts;
}

/* All rows say the same kind of thing, or the odd ones are mistakes. */
static void take_rows(struct own *o, const struct rows *rows, const struct strings *lines) {
    size_t first = rows->n && is_head(&rows->at[0]), colours = 0, values = 0;
    for (size_t i = first; i < rows->n; i++) {
        colours += is_colour(&rows->at[i]);
        values += rows->at[i].numbers == 1 && !rows->at[i].hex && rows->at[i].texts;
    }
    size_t plain = rows->n - first - colours - values;
    if (rows->n == 1 && plain && rows->at[0].texts > 1 && !is_table(o->names_path))
        own_problem(o, OWN_NAMES,
                    "%s: is one line with commas, which would be one name: write a "
                    "name a line",
                    o->names_path);
    for (size_t i = first; i < rows->n; i++) {
        const struct row *r = &rows->at[i];
        if (colours >= values && colours > plain) {
            if (is_colour(r))
                add_colour(&o->names, r);
            else
                own_problem(o, OWN_NAMES,
                            "%s: line %zu: \"%s\" has no colour, others have: write name, red, "
                            "green, blue (0 to 255)",
                            o->names_path, r->line, lines->at[i]);
        } else if (values > plain) {
            if (r->numbers == 1 && r->texts)
                add_name(&o->names, r->text, r->number[0], r->line);
            else
                own_problem(o, OWN_NAMES,
                            "%s: line %zu: \"%s\" has no value of 0 to 65535, others have: "
                            "write name, value",
                            o->names_path, r->line, lines->at[i]);
        } else if (r->texts + r->numbers > 1 && is_table(o->names_path)) {
            own_problem(o, OWN_NAMES,
                        "%s: line %zu: \"%s\" has neither a value nor a colour: write name, value, "
                        "or name, red, green, blue (0 to 255); a name that holds a comma stands in "
                        "quotation marks",
                        o->names_path, r->line, lines->at[i]);
        } else {
            add_name(&o->names, lines->at[i], -1, r->line);
        }
    }
}

static int read_text(struct own *o) {
    struct bytes file;
    bool crlf;
    int status = text_file_read(o->names_path, NAMES_BYTES_MAX, &file, &crlf);
    if (status) return status;
    struct rows rows = {0};
    struct strings lines = {0};
    const char *at = (const char *)file.at;
    for (size_t line = 1; *at; line++) {
        size_t length = strcspn(at, "\n"), n = length;
        const char *s = at;
        trim(&s, &n);
        bool quoted = n && s > at && s[-1] == '"'; /* a name, whatever is in it */
        bool comment =
            n && *s == '#' && !quoted && (n < 7 || strspn(s + 1, "0123456789abcdefABCDEF") < 6);
        if (n && !comment) {
            char *text = mem_format("%.*s", (int)n, s);
            strings_add(&lines, text);
            rows.at = mem_grow(rows.at, &rows.cap, rows.n + 1, sizeof *rows.at);
            rows.at[rows.n++] =
                quoted ? (struct row){.text = mem_strdup(text), .texts = 1, .line = line}
                       : take_apart(s, n, line);
            free(text);
        }
        at += length + (at[length] == '\n');
    }
    if (crlf) own_note(o, "%s: Windows line ends, taken as they are", o->names_path);
    heed_head(&rows, &lines);
    take_rows(o, &rows, &lines);
    rows_free(&rows);
    strings_free(&lines);
    bytes_free(&file);
    return 0;
}

static int read_names(struct own *o) {
    if (!path_is_yaml(o->names_path)) return read_text(o);
    struct bytes file;
    int status = text_file_read(o->names_path, NAMES_BYTES_MAX, &file, NULL);
    if (!status) bytes_free(&file);
    return status ? status : vocabulary_read(&o->names, o->names_path);
}

size_t own_names_gap(const struct own *o) {
    for (size_t k = 1; k < o->names.n && o->by_place; k++)
        if (o->names.at[k].line > o->names.at[k - 1].line + 1) return o->names.at[k].line - 1;
    return 0;
}

/* Whoever counts lines counts those, too, and would have another value for each name below. */
static void note_gaps(struct own *o) {
    size_t gaps = 0, first = 0, before = 0;
    for (size_t k = 0; k < o->names.n; k++) {
        size_t line = o->names.at[k].line;
        if (line > before + 1 && !gaps) first = k;
        gaps += line - before - 1;
        before = line;
    }
    if (!gaps) return;
    const struct vocabulary_class *c = &o->names.at[first];
    char *more = gaps > 1 ? mem_format("; %zu lines do not", gaps) : mem_strdup("");
    own_note(o,
             "%s: line %zu is blank or begins with #, and does not count%s: \"%s\" in line %zu is "
             "the value %d; a name that begins with # stands in quotation marks",
             o->names_path, first ? o->names.at[first - 1].line + 1 : 1, more, c->name, c->line,
             (int)c->raw);
    free(more);
}

/* A line of a text is the value of its place. */
static void give_values(struct own *o) {
    bool some = false;
    for (size_t k = 0; k < o->names.n; k++)
        some |= o->names.at[k].raw >= 0 || o->names.at[k].has_colour;
    if (some) return;
    for (size_t k = 0; k < o->names.n; k++)
        o->names.at[k].raw = (int32_t)(o->first_value + (int64_t)k);
    o->by_place = !path_is_yaml(o->names_path);
    if (o->by_place) note_gaps(o);
}

int own_names(struct own *o) {
    if (!o->names_path) return 0;
    int status = read_names(o);
    if (status == ERR_DATA) {
        own_take_error(o, OWN_NAMES, "");
        return 0;
    }
    if (status) return status;
    if (!o->names.n) {
        own_problem(o, OWN_NAMES, "%s: names no class: write a name a line", o->names_path);
        return 0;
    }
    if (!path_is_yaml(o->names_path) && vocabulary_check(&o->names, o->names_path))
        own_take_error(o, OWN_NAMES, "");
    if (o->masks_path && dir_exists(o->masks_path)) give_values(o);
    return 0;
}
