#include "train/weights/convert_config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/problems.h"
#include "base/settings.h"
#include "configs/config.h"
#include "configs/reference.h"

enum { BASES_MAX = 8 };

/* detectron2's own keys that say nothing of these models, by how they begin. */
static const struct passed {
    const char *begins, *why;
} passed_over[] = {
    {"VERSION", "of the file"},
    {"DATASETS.", "sets are named by inputs.scenes: ovseg data prepare makes them"},
    {"DATALOADER.", "loader.threads and loader.ahead are ours; they change speed, not results"},
    {"TEST.EVAL_PERIOD", "validate.every is ours, of a set that validate.set names"},
    {"TEST.", "of detectron2's other tasks"},
    {"INPUT.", "of detectron2's other mappers"},
    {"VIS_PERIOD", "pictures are not logged while training"},
    {"GLOBAL.", "detectron2 does not read it"},
    {"SOLVER.", "of detectron2's other solvers"},
    {"MODEL.ANCHOR_GENERATOR.", "of detectron2's other models"},
    {"MODEL.FPN.", "of detectron2's other models"},
    {"MODEL.KEYPOINT_ON", "of detectron2's other models"},
    {"MODEL.LOAD_PROPOSALS", "of detectron2's other models"},
    {"MODEL.MASK_ON", "of detectron2's other models"},
    {"MODEL.PANOPTIC_FPN.", "of detectron2's other models"},
    {"MODEL.PROPOSAL_GENERATOR.", "of detectron2's other models"},
    {"MODEL.RETINANET.", "of detectron2's other models"},
    {"MODEL.ROI_", "of detectron2's other models"},
    {"MODEL.RPN.", "of detectron2's other models"},
};

struct conversion {
    int stage;
    struct overrides theirs; /* each key once, later files win */
    struct settings_doc doc; /* ours */
    struct str *report;
    struct problems problems;
};

static void put(struct conversion *c, struct override *o) {
    for (size_t i = 0; i < c->theirs.n; i++)
        if (strcmp(c->theirs.at[i].key, o->key) == 0) {
            override_free(&c->theirs.at[i]);
            c->theirs.at[i] = *o;
            return;
        }
    c->theirs.at = mem_grow(c->theirs.at, &c->theirs.cap, c->theirs.n + 1, sizeof *c->theirs.at);
    c->theirs.at[c->theirs.n++] = *o;
}

/* A scalar, or a list of scalars in brackets. */
static void take_entry(struct conversion *c, const char *path, const struct yaml_entry *e) {
    struct str value = {0};
    bool list = e->kind == YAML_LIST;
    if (list) str_add(&value, "[");
    for (size_t i = 0; i < e->n; i++) {
        if (!e->at[i].text) {
            problems_add(&c->problems, "%s:%zu:%zu: %s: a list of lists or maps is not read", path,
                         e->mark.line, e->mark.column, e->key);
            str_free(&value);
            return;
        }
        str_add(&value, "%s%s", i ? ", " : "", e->at[i].text);
    }
    str_add(&value, list ? "]" : "");
    struct override o = {.key = mem_strdup(e->key),
                         .value = value.at,
                         .file = mem_strdup(path),
                         .mark = e->key_mark};
    put(c, &o);
}

static int read_file(struct conversion *c, const char *path, int depth);

static int read_base(struct conversion *c, const char *path, const struct yaml_doc *doc,
                     int depth) {
    for (size_t i = 0; i < doc->n; i++) {
        const struct yaml_entry *e = &doc->at[i];
        if (strcmp(e->key, "_BASE_") != 0) continue;
        if (e->kind != YAML_SCALAR || depth >= BASES_MAX)
            return error_set(ERR_DATA, "%s:%zu:%zu: _BASE_: wanted is one file, %d of them at most",
                             path, e->mark.line, e->mark.column, BASES_MAX);
        char *base = settings_path_from(path, e->at[0].text);
        int status = read_file(c, base, depth + 1);
        free(base);
        return status;
    }
    return 0;
}

static int read_file(struct conversion *c, const char *path, int depth) {
    struct yaml_doc doc = {0};
    int status = yaml_doc_read(&doc, path);
    if (!status) status = read_base(c, path, &doc, depth);
    for (size_t i = 0; !status && i < doc.n; i++) {
        const struct yaml_entry *e = &doc.at[i];
        if (e->kind != YAML_MAP && !e->in_list && strcmp(e->key, "_BASE_") != 0 && *e->key)
            take_entry(c, path, e);
    }
    yaml_doc_free(&doc);
    return status;
}

static const char *why_passed(const char *key) {
    for (size_t i = 0; i < sizeof passed_over / sizeof *passed_over; i++)
        if (strncmp(key, passed_over[i].begins, strlen(passed_over[i].begins)) == 0)
            return passed_over[i].why;
    return NULL;
}

static bool is_of_stage(const struct conversion *c, const char *key) {
    const struct setting_group *group;
    return settings_row(config_used(c->stage), key, &group) != NULL;
}

static void add_error(struct conversion *c, const struct override *o, const char *text) {
    struct str origin = {0};
    override_origin(o, &origin);
    problems_add(&c->problems, "%s: %s", origin.at, text);
    str_free(&origin);
}

/* Of an evaluation weights are inputs; else what a key has become, or why it has no setting. */
static void apply(struct conversion *c, const struct override *o) {
    const char *ours, *why;
    reference_meaning(o->key, &ours, &why);
    bool weights = ours && strcmp(ours, "init.weights") == 0;
    if (weights && c->stage == STAGE_EVALUATE) {
        str_add(c->report, "elsewhere %s %s -> inputs.file, of --stage import\n", o->key, o->value);
        return;
    }
    if (ours || why) {
        if (reference_override(&c->doc, o)) add_error(c, o, error_message());
        error_clear();
    } else if (!(why = why_passed(o->key))) {
        char *text = mem_format("%s: not a key of the reference's or of detectron2's", o->key);
        add_error(c, o, text);
        free(text);
        return;
    }
    bool other = ours && !weights && !is_of_stage(c, ours);
    str_add(c->report, "%-9s %s %s -> %s%s\n",
            other  ? "elsewhere"
            : ours ? "used"
                   : "dropped",
            o->key, o->value, ours ? ours : why, other ? ", of another stage" : "");
}

/* Plain where YAML takes it as one word, else quoted. */
static void write_word(struct str *s, const char *text) {
    bool plain = *text != '\0';
    for (const char *c = text; *c; c++)
        plain = plain && (isalnum((unsigned char)*c) || strchr("._/+-", *c));
    if (plain) {
        str_add(s, "%s", text);
        return;
    }
    str_add(s, "\"");
    for (const char *c = text; *c; c++) str_add(s, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
    str_add(s, "\"");
}

static void write_text(const struct conversion *c, const char *in, struct str *s) {
    str_add(s,
            "# %s, by ovseg convert. What it is trained or measured on is not in it:\n"
            "# inputs.scenes and the like (ovseg settings inputs).\n"
            "stage: %s\n",
            path_base(in), stage_names[c->stage]);
    for (size_t i = 0; i < c->doc.n; i++) {
        const struct yaml_entry *e = &c->doc.at[i].yaml;
        bool scalar = e->kind == YAML_SCALAR;
        if (e->kind == YAML_MAP || e->in_list || strcmp(e->key, "stage") == 0 ||
            !is_of_stage(c, e->key))
            continue;
        str_add(s, "%s: %s", e->key, scalar ? "" : "[");
        for (size_t k = 0; k < e->n; k++) {
            if (k) str_add(s, ", ");
            write_word(s, e->at[k].text);
        }
        str_add(s, "%s\n", scalar ? "" : "]");
    }
}

/* The text as whoever trains by it will read it. */
static void check_text(struct conversion *c, const char *out, const char *text) {
    struct settings_doc doc;
    struct config config = {0};
    if (settings_parse(&doc, out, text)) {
        problems_take_error(&c->problems);
        return;
    }
    settings_assign(&doc, config_used(c->stage), config_known(), stage_names[c->stage], &config,
                    &c->problems);
    config_free(&config);
    settings_doc_free(&doc);
}

int convert_config(const char *in, const char *out, int stage, struct str *report) {
    struct conversion c = {.stage = stage, .report = report};
    struct str text = {0};
    char *head = mem_format("stage: %s\n", stage_names[stage]);
    int status = settings_parse(&c.doc, out, head);
    if (!status) status = read_file(&c, in, 0);
    for (int turn = 0; !status && turn < REFERENCE_TURNS; turn++)
        for (size_t i = 0; i < c.theirs.n; i++)
            if (reference_turn(c.theirs.at[i].key) == turn) apply(&c, &c.theirs.at[i]);
    if (!status && !c.theirs.n) status = error_set(ERR_DATA, "%s: no settings in it", in);
    if (!status) write_text(&c, in, &text);
    if (!status) check_text(&c, out, text.at);
    int wrong = problems_close(&c.problems, ERR_CONFIG);
    if (!status) status = wrong;
    if (!status) status = file_write(out, text.at, text.n);
    settings_doc_free(&c.doc);
    overrides_free(&c.theirs);
    str_free(&text);
    free(head);
    return status;
}
