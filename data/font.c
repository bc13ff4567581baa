#include "data/font.h"

#include <string.h>

#include "base/error.h"
#include "data/font_glyphs.h"
#include "data/unicode.h"

enum { BOX = -1 };

/* Letters and marks, one after the other: characters are taken apart into them (data/unicode.h). */
struct reader {
    const char *start, *at, *end; /* of the character taken last, and what follows */
    int32_t part[UNICODE_PARTS];
    size_t n, next;
};

static struct reader read_text(const char *text) {
    return (struct reader){.start = text, .at = text, .end = text + strlen(text)};
}

/* A character that the font does not have in full is one box. */
static void take_character(struct reader *r) {
    int32_t code;
    r->start = r->at;
    r->at += unicode_get(r->at, (size_t)(r->end - r->at), &code);
    r->n = unicode_take_apart(code, r->part);
    r->next = 0;
    bool has = true;
    for (size_t i = 0; i < r->n; i++)
        has = has && (font_glyph(r->part[i]) || unicode_is_mark(r->part[i]));
    if (has) return;
    r->part[0] = BOX;
    r->n = 1;
}

static bool peek(struct reader *r, int32_t *code) {
    while (r->next == r->n) {
        if (r->at == r->end) return false;
        take_character(r);
    }
    *code = r->part[r->next];
    return true;
}

/* Where a text can be cut: behind all that was read. NULL: inside of a character. */
static const char *cut(const struct reader *r) {
    if (r->next == r->n) return r->at;
    return r->next ? NULL : r->start;
}

/* A letter with its marks; row 0 is FONT_ABOVE above the letter. */
struct cell {
    uint8_t row[FONT_LINE];
    int32_t code;
    int ink;   /* the topmost row of the letter that is not empty */
    int room;  /* the lowest row that the next mark above can have */
    bool full; /* all of it is drawn */
};

static void put_letter(struct cell *c, const uint8_t *glyph) {
    enum { SMALL = 2 }; /* where small letters begin, and marks that stand alone */
    int top = 0;
    memcpy(c->row + FONT_ABOVE, glyph, FONT_H);
    while (top < FONT_H && !glyph[top]) top++;
    if (top == FONT_H) top = SMALL;
    c->ink = FONT_ABOVE + top;
    c->room = c->ink - 2;
}

static void put_above(struct cell *c, const struct font_mark *m) {
    const uint8_t *dotless = font_dotless(c->code);
    if (dotless && c->room == c->ink - 2) put_letter(c, dotless);
    int top = m->row[0] ? c->room - 1 : c->room;
    if (top < 0) {
        c->full = false;
        return;
    }
    if (c->room) c->row[c->room - 1] |= m->row[0];
    c->row[c->room] |= m->row[1];
    c->room = top - 1;
}

static void put_mark(struct cell *c, int32_t code) {
    const struct font_mark *m = font_mark(code);
    if (!m || c->code == BOX) {
        c->full = false;
    } else if (m->place == FONT_MARK_ABOVE) {
        put_above(c, m);
    } else {
        int at = m->place == FONT_MARK_HORN ? c->ink - 2 : FONT_ABOVE + FONT_H;
        for (int i = 0; i < 2; i++) c->row[at + i] |= m->row[i];
    }
}

static bool next_cell(struct reader *r, struct cell *c) {
    static const uint8_t box[FONT_H] = {0x1f, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1f};
    int32_t code;
    if (!peek(r, &code)) return false;
    bool alone = code != BOX && unicode_is_mark(code); /* without a letter before it */
    *c = (struct cell){.code = alone ? ' ' : code, .full = code != BOX};
    put_letter(c, code == BOX ? box : font_glyph(c->code));
    if (!alone) r->next++;
    while (peek(r, &code) && code != BOX && unicode_is_mark(code)) {
        put_mark(c, code);
        r->next++;
    }
    return true;
}

int64_t font_cells(const char *text) {
    struct reader r = read_text(text);
    struct cell c;
    int64_t n = 0;
    while (next_cell(&r, &c)) n++;
    return n;
}

int64_t font_width(const char *text, int64_t scale) { return font_cells(text) * FONT_STEP * scale; }

bool font_has(const char *text) {
    struct reader r = read_text(text);
    struct cell c;
    bool all = true;
    while (next_cell(&r, &c)) all = all && c.full;
    return all;
}

char *font_name(uint32_t number, const char *name) {
    return font_has(name) ? mem_strdup(name) : mem_format("#%u %s", number, name);
}

char *font_fit(const char *text, int64_t cells) {
    enum { DOTS = 2, LEAST = 4 }; /* cells; where dots would take half the place there are none */
    if (cells < 1) cells = 1;
    if (font_cells(text) <= cells) return mem_strdup(text);
    int64_t keep = cells < LEAST ? cells : cells - DOTS;
    struct reader r = read_text(text);
    struct cell c;
    const char *end = text;
    for (int64_t n = 1; n <= keep && next_cell(&r, &c); n++)
        if (cut(&r)) end = cut(&r);
    return mem_format("%.*s%s", (int)(end - text), text, cells < LEAST ? "" : "..");
}

static void draw_dot(struct image *im, int64_t y, int64_t x, int64_t scale, const uint8_t rgb[3]) {
    for (int64_t v = y; v < y + scale; v++)
        for (int64_t u = x; u < x + scale; u++)
            if (v >= 0 && v < im->h && u >= 0 && u < im->w)
                memcpy(im->at + (v * im->w + u) * 3, rgb, 3);
}

void font_draw(struct image *im, int64_t y, int64_t x, int64_t scale, const uint8_t rgb[3],
               const char *text) {
    REQUIRE(im->c == 3 && scale > 0, "text on %lld channels", (long long)im->c);
    struct reader r = read_text(text);
    struct cell c;
    for (; next_cell(&r, &c); x += FONT_STEP * scale)
        for (int64_t i = 0; i < FONT_LINE; i++)
            for (int64_t k = 0; k < FONT_W; k++)
                if (c.row[i] >> (FONT_W - 1 - k) & 1)
                    draw_dot(im, y + (i - FONT_ABOVE) * scale, x + k * scale, scale, rgb);
}
