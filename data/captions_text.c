/* Captions in texts: a JSON object a line, a table, a file for each picture. */
#include <cjson/cJSON.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text_file.h"
#include "base/utf8.h"
#include "data/captions_internal.h"
#include "data/csv.h"
#include "data/file_set_internal.h"
#include "data/image.h"

enum { TEXT_BYTES_MAX = 1 << 30, LINE_MAX_BYTES = 64 << 10, ONE_TEXT_MAX = 1 << 20 };

static const char *const image_words[] = {"image", "file_name",  "filename", "file", "filepath",
                                          "path",  "image_path", "picture",  NULL};
static const char *const text_words[] = {"caption", "text", "title", "captions", NULL};

static int read_text(struct captions *c, const char *path, size_t max, struct bytes *out,
                     struct hasher *hash) {
    bool crlf;
    int status = text_file_read(path, max, out, &crlf);
    if (!status && hash) hasher_add(hash, out->at, out->n);
    c->crlf |= !status && crlf;
    return status;
}

/* ---- JSON Lines ---- */

static bool is_text(const cJSON *x) {
    return cJSON_IsString(x) && utf8_valid(x->valuestring, strlen(x->valuestring));
}

static const cJSON *member(const cJSON *o, const char *const *words) {
    const cJSON *found = NULL;
    for (; *words && !found; words++) found = cJSON_GetObjectItemCaseSensitive(o, *words);
    return found;
}

static const char *take_many(struct captions *c, const cJSON *o, const char *image, size_t line) {
    const cJSON *many = cJSON_GetObjectItemCaseSensitive(o, "captions");
    const cJSON *ids = cJSON_GetObjectItemCaseSensitive(o, "ids");
    if (!cJSON_IsArray(many)) return "\"captions\" is a list of texts";
    if (ids && cJSON_GetArraySize(ids) != cJSON_GetArraySize(many))
        return "\"ids\" is a list as long as \"captions\"";
    const cJSON *id = ids ? ids->child : NULL, *text;
    cJSON_ArrayForEach(text, many) {
        if (!is_text(text)) return "\"captions\" is a list of texts";
        double number = id && cJSON_IsNumber(id) ? id->valuedouble : (double)c->n;
        if ((id && !cJSON_IsNumber(id)) || !(number >= 0 && number <= 9e15) ||
            number != (double)(int64_t)number)
            return "\"ids\" are whole numbers";
        captions_add(c, image, text->valuestring, (int64_t)number, line);
        if (id) id = id->next;
    }
    return NULL;
}

/* cJSON's texts end there, unseen: the name of another file may be what is left. */
static bool has_nul(const char *line) {
    for (const char *at = line; (at = strstr(at, "\\u0000")); at++) {
        size_t before = 0;
        while (at > line + before && at[-1 - (ptrdiff_t)before] == '\\') before++;
        if (before % 2 == 0) return true;
    }
    return false;
}

/* What is wrong with a line's object, or NULL. */
static const char *take_object(struct captions *c, const cJSON *o, size_t line) {
    static const char *const one_words[] = {"caption", "text", "title", NULL};
    const cJSON *image = member(o, image_words), *one = member(o, one_words);
    const cJSON *many = cJSON_GetObjectItemCaseSensitive(o, "captions");
    if (!is_text(image)) return "needs \"image\", the name of a file";
    if (one && many) return "has both \"caption\" and \"captions\": leave one of them";
    if (!one && !many) return "needs \"caption\", a text, or \"captions\", a list of texts";
    if (many) return take_many(c, o, image->valuestring, line);
    if (cJSON_GetObjectItemCaseSensitive(o, "ids"))
        return "\"ids\" is a list as long as \"captions\"";
    if (!is_text(one)) return "\"caption\" is no text: write it, or take the line out";
    captions_add(c, image->valuestring, one->valuestring, (int64_t)c->n, line);
    return NULL;
}

int captions_read_lines(struct captions *c, struct hasher *hash) {
    struct bytes file;
    int status = read_text(c, c->path, TEXT_BYTES_MAX, &file, hash);
    if (status) return status;
    char *at = (char *)file.at, *end = at + file.n; /* with a NUL behind it */
    status = captions_check_json(c->path, at, true);
    for (size_t number = 1; !status && at < end; number++) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((stop ? stop : end) - at);
        at[n] = '\0';
        bool empty = strspn(at, " \t\r") >= n;
        cJSON *o = empty || n > LINE_MAX_BYTES ? NULL : cJSON_ParseWithOpts(at, NULL, true);
        const char *wrong = empty                ? NULL
                            : n > LINE_MAX_BYTES ? "is longer than 64 KiB: shorten it"
                            : !cJSON_IsObject(o) ? "is not one JSON object: mend it, or take it out"
                            : has_nul(at)        ? "holds a NUL (\\u0000): take it out"
                                                 : take_object(c, o, number);
        if (wrong) status = error_set(ERR_DATA, "%s: line %zu: %s", c->path, number, wrong);
        cJSON_Delete(o);
        at += n + 1;
    }
    bytes_free(&file);
    return status;
}

/* ---- tables ---- */

/* What the first line says of the others. */
struct table {
    bool head;             /* it names the columns, else they are the first two */
    size_t image, columns; /* where the picture is; of how many */
    size_t *text, n, cap;  /* where captions are */
};

static void add_text_column(struct table *t, size_t i) {
    t->text = mem_grow(t->text, &t->cap, t->n + 1, sizeof *t->text);
    t->text[t->n++] = i;
}

static size_t column(const struct csv_reader *r, const char *const *words) {
    for (; *words; words++)
        for (size_t i = 0; i < r->n_fields; i++)
            if (strcasecmp(csv_field(r, i), *words) == 0) return i;
    return r->n_fields;
}

/* "caption"; of several also "caption1", "caption_2", and pandas' "caption.1". */
static bool is_numbered(const char *field, const char *word) {
    size_t n = strlen(word);
    if (strncasecmp(field, word, n) != 0) return false;
    field += n;
    field += *field && strchr("._- ", *field) && field[1];
    return strspn(field, "0123456789") == strlen(field);
}

/* All columns of the first word that one has. */
static void find_texts(const struct csv_reader *r, struct table *t) {
    for (size_t k = 0; text_words[k] && !t->n; k++)
        for (size_t i = 0; i < r->n_fields; i++)
            if (is_numbered(csv_field(r, i), text_words[k])) add_text_column(t, i);
}

/* Columns of a line; empty ones behind the first `least` are what spreadsheets leave. */
static size_t columns_of(const struct csv_reader *r, size_t least) {
    size_t n = r->n_fields;
    while (n > least && !*csv_field(r, n - 1)) n--;
    return n;
}

/* Whether a field is the name of a picture; `any`: of a file of any kind. */
static bool names_file(const struct csv_reader *r, bool any) {
    for (size_t i = 0; i < r->n_fields; i++) {
        const char *field = csv_field(r, i);
        if (image_name_is(field) || (any && strchr(field, '.') && !strpbrk(field, " \t")))
            return true;
    }
    return false;
}

static void add_words(struct str *to, const char *const *words) {
    for (size_t i = 0; words[i]; i++) str_add(to, "%s%s", i ? ", " : "", words[i]);
}

static int unknown_head(const struct captions *c, size_t line) {
    struct str text = {0};
    str_add(&text, "the column of pictures is called one of ");
    add_words(&text, image_words);
    str_add(&text, "; that of captions one of ");
    add_words(&text, text_words);
    error_set(
        ERR_DATA,
        "%s: line %zu: looks like a header: %s: rename them, or, where it is a caption, write "
        "its picture's name with the suffix",
        c->path, line, text.at);
    str_free(&text);
    return error_status();
}

/* A first line of words that are not known, above pictures, would be taken for a caption. */
static int take_head(const struct captions *c, struct csv_reader *r, struct table *t) {
    int status = csv_next(r);
    if (status || !r->n_fields) return status;
    find_texts(r, t);
    size_t line = r->began;
    t->image = column(r, image_words);
    t->columns = columns_of(r, 1);
    bool image = t->image < r->n_fields, text = t->n, named = names_file(r, true);
    t->head = image && text;
    if (t->head) return 0;
    t->image = t->n = 0;
    t->columns = 2;
    add_text_column(t, 1);
    status = csv_next(r);
    if (!status && !named && (image || text || names_file(r, false)))
        status = unknown_head(c, line);
    return status;
}

static const char *separator_name(char c) {
    return c == '\t' ? "a tab" : c == ';' ? "a semicolon" : "a comma";
}

/* A caption would be cut at its comma, or what stands beside it be lost. */
static int wrong_columns(const struct captions *c, const struct csv_reader *r,
                         const struct table *t, size_t n) {
    const char *needs = t->head ? "as the first line has" : "a picture and its caption",
               *by = separator_name(r->separator);
    char *remedy = n < t->columns         ? mem_format("put %s between them", by)
                   : r->separator == '\t' ? mem_strdup("take the others out")
                                          : mem_format(
                                                "put captions that hold %s in quotation "
                                                "marks",
                                                by);
    error_set(
        ERR_DATA, "%s: line %zu: has %zu column%s, %zu are needed, %s: %s%s", c->path, r->began, n,
        n == 1 ? "" : "s", t->columns, needs, remedy,
        t->head || n < t->columns ? "" : ", or name the columns in a first line (image, caption)");
    free(remedy);
    return ERR_DATA;
}

/* Of several columns of captions some may be empty; a row without any has one that is. */
static int take_row(struct captions *c, const struct csv_reader *r, const struct table *t) {
    REQUIRE(t->text, "take_head() finds a column of captions where there is a row");
    size_t n = columns_of(r, t->columns), last = t->image > t->text[0] ? t->image : t->text[0];
    size_t least = t->head ? last + 1 : t->columns; /* behind them nothing is needed */
    bool some = false;
    if (n < least || n > t->columns) return wrong_columns(c, r, t, n);
    const char *image = csv_field(r, t->image);
    if (!*image) return error_set(ERR_DATA, "%s: line %zu: names no picture", c->path, r->began);
    for (size_t k = 0; k < t->n; k++) {
        const char *text = t->text[k] < r->n_fields ? csv_field(r, t->text[k]) : "";
        if (t->n > 1 && !text[strspn(text, " \t")]) continue;
        captions_add(c, image, text, (int64_t)c->n, r->began);
        some = true;
    }
    if (!some) captions_add(c, image, "", (int64_t)c->n, r->began);
    return 0;
}

/* Excel's first line "sep=;" says it; spreadsheets of countries that write 0,5 put semicolons.
 * *from: where that line ends, so that lines count as people count them. */
static char separator_of(const char *path, const char *text, size_t *from) {
    size_t mark = utf8_mark(text, strlen(text)), n = strcspn(text + mark, "\r\n");
    *from = 0;
    if (!captions_with_commas(path)) return '\t';
    const char *line = text + mark;
    if (n == 5 && strncasecmp(line, "sep=", 4) == 0 && strchr(",;\t", line[4])) {
        *from = mark + n + (line[n] == '\r');
        return line[4];
    }
    const char *quote = *line == '"' ? strchr(line + 1, '"') : NULL, *first = quote ? quote : line;
    return first[strcspn(first, ",;\r\n")] == ';' ? ';' : ',';
}

int captions_read_table(struct captions *c, struct hasher *hash) {
    struct bytes file;
    int status = read_text(c, c->path, TEXT_BYTES_MAX, &file, hash);
    if (status) return status;
    const char *text = (const char *)file.at;
    size_t from;
    char separator = separator_of(c->path, text, &from);
    struct csv_reader r;
    struct table t = {0};
    csv_open(&r, c->path, text + from, file.n - from, separator);
    status = take_head(c, &r, &t);
    csv_close(&r);
    csv_open(&r, c->path, text + from, file.n - from, separator);
    if (!status && t.head) status = csv_next(&r);
    while (!status && !(status = csv_next(&r)) && r.n_fields) status = take_row(c, &r, &t);
    csv_close(&r);
    bytes_free(&file);
    free(t.text);
    return status;
}

/* ---- a file for each picture ---- */

static bool is_other_text(const char *path) {
    static const char *const others[] = {"names.txt",       "classes.txt", "labels.txt",
                                         "readme.txt",      "license.txt", "licence.txt",
                                         "label_colors.txt"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcasecmp(path_base(path), others[i]) == 0) return true;
    return false;
}

/* A caption a line. */
static int take_file(struct captions *c, const char *name, struct hasher *hash) {
    struct bytes file;
    char *path = path_join(c->path, name), *stem = path_stem(name);
    strings_add(&c->source, path);
    int status = read_text(c, path, ONE_TEXT_MAX, &file, hash);
    if (hash) hasher_add_string(hash, name);
    const char *at = status ? "" : (const char *)file.at;
    for (size_t line = 1; *at; line++) {
        size_t n = strcspn(at, "\n"), k = n;
        while (k && strchr(" \t\r", at[k - 1])) k--;
        size_t blank = strspn(at, " \t\r");
        if (k > blank) {
            char *text = mem_format("%.*s", (int)(k - blank), at + blank);
            captions_add(c, stem, text, (int64_t)c->n, line);
            free(text);
        }
        at += n + (at[n] == '\n');
    }
    if (!status) bytes_free(&file);
    if (status == ERR_DATA) {
        strings_add(&c->damaged, error_message());
        error_clear();
        status = 0;
    }
    free(path);
    free(stem);
    return status;
}

int captions_texts(const char *folder, const struct strings *only, struct strings *out) {
    struct found_files files;
    struct file_filter filter = {.suffix = ".txt", .deep = true, .texts = true, .only = only};
    int status = found_files_list(&files, folder, &filter, NULL);
    *out = (struct strings){0};
    for (size_t i = 0; !status && i < files.n; i++)
        if (!is_other_text(files.at[i].path)) strings_add(out, files.at[i].path);
    found_files_free(&files);
    return status;
}

int captions_read_texts(struct captions *c, const struct strings *only, struct hasher *hash) {
    struct strings files;
    int status = captions_texts(c->path, only, &files);
    for (size_t i = 0; !status && i < files.n; i++) status = take_file(c, files.at[i], hash);
    strings_free(&files);
    return status;
}
