#include "train/serve/serve_form.h"

#ifdef OVSEG_MICROHTTPD
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/utf8.h"
#include "data/image.h"
#include "train/serve/serve_answer.h"
#include "train/serve/serve_names.h"

enum { BUFFER = 16 << 10, NUMBER_MAX = 64 };

static void wrong(struct serve_form *f, int status, const char *error, const char *remedy) {
    if (!f->wrong.status) serve_error(&f->wrong, status, error, remedy);
    str_free(&f->job->picture); /* of no use any more */
}

static void wrong_field(struct serve_form *f, const char *key) {
    char *text =
        mem_format("the form has a field \"%s\", which is not known", utf8_short(key, 40).at);
    wrong(f, SERVE_BAD_REQUEST, text, "fields are picture, names, min_score and maps");
    free(text);
}

/* A field begins at offset 0. */
static void put(struct serve_form *f, const char *key, struct str *to, const char *data,
                uint64_t offset, size_t n) {
    size_t most = to == &f->names ? SERVE_NAMES_TEXT : NUMBER_MAX;
    char *text = NULL;
    if (!offset && to->n) {
        text = mem_format("the form has two fields %s", key);
        wrong(f, SERVE_BAD_REQUEST, text, "send all of it in one");
    } else if (n > most - to->n) {
        text = mem_format("the field %s is too long: more than %zu bytes", key, most);
        wrong(f, SERVE_BAD_REQUEST, text, "send less text");
    } else {
        str_put(to, data, n);
    }
    free(text);
}

static void put_picture(struct serve_form *f, const char *file_name, const char *data,
                        uint64_t offset, size_t n) {
    struct job *j = f->job;
    if (!offset && j->picture.n) {
        wrong(f, SERVE_BAD_REQUEST, "the form has two pictures", "send one at a time");
        return;
    }
    if (!f->pictured) j->file_name = serve_file_name(file_name);
    f->pictured = true;
    str_put(&j->picture, data, n);
}

static enum MHD_Result take(void *self, enum MHD_ValueKind kind, const char *key,
                            const char *file_name, const char *type, const char *coding,
                            const char *data, uint64_t offset, size_t n) {
    struct serve_form *f = self;
    (void)kind, (void)type, (void)coding;
    if (f->wrong.status) return MHD_YES;
    if (key && strcmp(key, "picture") == 0)
        put_picture(f, file_name, data, offset, n);
    else if (key && strcmp(key, "names") == 0)
        put(f, key, &f->names, data, offset, n);
    else if (key && strcmp(key, "min_score") == 0)
        put(f, key, &f->min_score, data, offset, n);
    else if (key && strcmp(key, "maps") == 0)
        put(f, key, &f->maps, data, offset, n);
    else
        wrong_field(f, key ? key : "");
    return MHD_YES;
}

bool serve_form_open(struct serve_form *f, struct MHD_Connection *c, struct job *j,
                     const struct serve_limits *limits) {
    static const char wanted[] = "multipart/form-data";
    const char *type = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Type");
    *f = (struct serve_form){.limits = limits, .job = j};
    if (!type || strncasecmp(type, wanted, sizeof wanted - 1) != 0) return false;
    f->parts = MHD_create_post_processor(c, BUFFER, take, f);
    return f->parts;
}

void serve_form_close(struct serve_form *f) {
    if (f->parts) MHD_destroy_post_processor(f->parts);
    str_free(&f->names);
    str_free(&f->min_score);
    str_free(&f->maps);
    str_free(&f->wrong.body);
    *f = (struct serve_form){0};
}

bool serve_form_put(struct serve_form *f, const char *bytes, size_t n) {
    f->bytes += (int64_t)n;
    if (f->bytes > f->limits->upload) {
        char *text =
            mem_format("the upload is larger than %lld bytes", (long long)f->limits->upload);
        wrong(f, SERVE_TOO_LARGE, text,
              "shrink the picture, or start the server with --max-upload");
        free(text);
    }
    if (f->wrong.status) return f->bytes <= 2 * f->limits->upload;
    if (MHD_post_process(f->parts, bytes, n) != MHD_YES && !f->wrong.status)
        wrong(f, SERVE_BAD_REQUEST, "the body is no multipart form",
              "send one, as curl -F picture=@FILE does");
    return true;
}

static void judge_picture(struct serve_form *f) {
    int64_t h, w;
    const struct job *j = f->job;
    if (!f->pictured) {
        wrong(f, SERVE_BAD_REQUEST, "the form has no picture", "send one as the field `picture`");
    } else if (!j->picture.n) {
        wrong(f, SERVE_BAD_REQUEST, "the picture is empty", "send a JPEG, PNG or WebP file");
    } else if (image_size_upright(j->picture.at, j->picture.n, j->file_name, &h, &w)) {
        serve_error_pending(&f->wrong, SERVE_BAD_PICTURE, "send a JPEG, PNG or WebP file");
    } else if (h * w > f->limits->pixels) {
        char *text = mem_format("%s: %lld x %lld pixels are more than %lld", j->file_name,
                                (long long)w, (long long)h, (long long)f->limits->pixels);
        wrong(f, SERVE_TOO_LARGE, text,
              "shrink the picture, or start the server with --max-pixels");
        free(text);
    }
}

void serve_form_end(struct serve_form *f) {
    struct job *j = f->job;
    bool whole = MHD_destroy_post_processor(f->parts) == MHD_YES;
    f->parts = NULL;
    if (!whole)
        wrong(f, SERVE_BAD_REQUEST, "the form is cut short",
              "send all of it, to its last boundary");
    if (!f->wrong.status) judge_picture(f);
    if (!f->wrong.status && serve_names_read(&j->names, f->names.at, f->names.n))
        serve_error_pending(&f->wrong, SERVE_BAD_REQUEST, "mend the names");
    if (!f->wrong.status && f->min_score.n &&
        !serve_number_read(f->min_score.at, f->min_score.n, &j->least))
        wrong(f, SERVE_BAD_REQUEST, "min_score is no number from 0 on", "send one such as 0.2");
    j->maps = f->maps.n > 0 && strcmp(f->maps.at, "0") != 0;
}
#endif
