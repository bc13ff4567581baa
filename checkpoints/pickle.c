#include "checkpoints/pickle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "checkpoints/pickle_globals.h"

/* The opcodes that are allowed, by their names in Python's pickletools. */
enum {
    OP_MARK = '(',
    OP_STOP = '.',
    OP_POP = '0',
    OP_BINFLOAT = 'G',
    OP_BININT = 'J',
    OP_BININT1 = 'K',
    OP_BININT2 = 'M',
    OP_NONE = 'N',
    OP_BINPERSID = 'Q',
    OP_REDUCE = 'R',
    OP_BINSTRING = 'T',
    OP_SHORT_BINSTRING = 'U',
    OP_BINUNICODE = 'X',
    OP_EMPTY_LIST = ']',
    OP_APPEND = 'a',
    OP_BUILD = 'b',
    OP_GLOBAL = 'c',
    OP_APPENDS = 'e',
    OP_BINGET = 'h',
    OP_LONG_BINGET = 'j',
    OP_BINPUT = 'q',
    OP_LONG_BINPUT = 'r',
    OP_SETITEM = 's',
    OP_TUPLE = 't',
    OP_EMPTY_TUPLE = ')',
    OP_SETITEMS = 'u',
    OP_EMPTY_DICT = '}',
    OP_BINBYTES = 'B',
    OP_SHORT_BINBYTES = 'C',
    OP_PROTO = 0x80,
    OP_NEWOBJ = 0x81,
    OP_TUPLE1 = 0x85,
    OP_TUPLE2 = 0x86,
    OP_TUPLE3 = 0x87,
    OP_NEWTRUE = 0x88,
    OP_NEWFALSE = 0x89,
    OP_LONG1 = 0x8a,
    OP_SHORT_BINUNICODE = 0x8c,
    OP_BINUNICODE8 = 0x8d,
    OP_BINBYTES8 = 0x8e,
    OP_EMPTY_SET = 0x8f,
    OP_ADDITEMS = 0x90,
    OP_STACK_GLOBAL = 0x93,
    OP_MEMOIZE = 0x94,
    OP_FRAME = 0x95,
};

enum { WINDOW = 1 << 16, PROTOCOL_MAX = 5 };

struct machine {
    struct pickle *p;
    const struct input *in;
    const char *what;
    uint64_t from, to;   /* of the pickle in the file */
    uint64_t at;         /* of the next byte */
    uint64_t op_at;      /* of the opcode under way */
    uint8_t *window;     /* WINDOW bytes of the file ... */
    uint64_t window_at;  /* ... from here */
    size_t window_bytes; /* how many of them are there */
    uint32_t *stack, *memo;
    size_t n, cap, n_memo, cap_memo;
    size_t *mark; /* heights of the stack */
    size_t n_marks, cap_marks;
};

/* `name` is set for names alone. */
static int refuse_name(const struct machine *m, const char *what, const char *name) {
    return error_set(ERR_DATA, "%s: byte %" PRIu64 ": %s%s%s", m->what, m->op_at - m->from,
                     name ? name : "", name ? " " : "", what);
}
static int refuse(const struct machine *m, const char *what) { return refuse_name(m, what, NULL); }

/* The next n bytes; NULL and the error when the pickle ends before. */
static const uint8_t *take(struct machine *m, size_t n) {
    if (n > m->to - m->at) {
        refuse(m, "the pickle ends inside an opcode (cut short?)");
        return NULL;
    }
    if (m->at < m->window_at || m->at + n > m->window_at + m->window_bytes) {
        m->window_bytes = m->to - m->at < WINDOW ? (size_t)(m->to - m->at) : WINDOW;
        m->window_at = m->at;
        if (input_read(m->in, m->at, m->window, m->window_bytes)) return NULL;
    }
    const uint8_t *p = m->window + (m->at - m->window_at);
    m->at += n;
    return p;
}

static int push(struct machine *m, uint32_t id) {
    if (!id) return refuse(m, "more values than are read");
    if (m->n == PICKLE_STACK_MAX) return refuse(m, "the stack is too high");
    m->stack = mem_grow(m->stack, &m->cap, m->n + 1, sizeof *m->stack);
    m->stack[m->n++] = id;
    return 0;
}

/* How many values lie above the last mark: an opcode takes no others. */
static size_t above(const struct machine *m) {
    return m->n - (m->n_marks ? m->mark[m->n_marks - 1] : 0);
}
static uint32_t top(const struct machine *m, size_t depth) { return m->stack[m->n - 1 - depth]; }

static int need(struct machine *m, size_t n) {
    return above(m) < n ? refuse(m, "too few values on the stack") : 0;
}

static int push_int(struct machine *m, enum pickle_kind kind, int64_t i) {
    uint32_t id = pickle_new(m->p, kind);
    if (id) m->p->at[id].i = i;
    return push(m, id);
}

static int push_real(struct machine *m) {
    const uint8_t *b = take(m, 8);
    if (!b) return error_status();
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++) bits = bits << 8 | b[i];
    uint32_t id = pickle_new(m->p, PICKLE_REAL);
    if (id) memcpy(&m->p->at[id].real, &bits, sizeof bits);
    return push(m, id);
}

/* Numbers of more than 64 bits are no sizes; they stay where they are. */
static int push_long(struct machine *m) {
    const uint8_t *b = take(m, 1);
    size_t n = b ? *b : 0;
    uint64_t at = m->at;
    if (b) b = take(m, n);
    if (!b) return error_status();
    if (n > 8) {
        uint32_t id = pickle_new(m->p, PICKLE_BYTES);
        if (id) m->p->at[id].at = at, m->p->at[id].n = n;
        return push(m, id);
    }
    uint64_t x = input_little(b, (int)n);
    if (n && n < 8 && b[n - 1] & 0x80) x |= UINT64_MAX << (8 * n);
    return push_int(m, PICKLE_INT, (int64_t)x);
}

/* A string or bytes whose length stands in `width` bytes. */
static int push_text(struct machine *m, int width, bool string) {
    const uint8_t *b = take(m, (size_t)width);
    if (!b) return error_status();
    uint64_t n = input_little(b, width);
    if (n > m->to - m->at) return refuse(m, "the pickle ends inside a string (cut short?)");
    string = string && n <= PICKLE_TEXT_MAX;
    uint32_t id = pickle_new(m->p, string ? PICKLE_STRING : PICKLE_BYTES);
    if (!id) return push(m, id);
    struct pickle_value *v = &m->p->at[id];
    v->n = n;
    if (!string) {
        v->at = m->at;
        m->at += n;
        return push(m, id);
    }
    m->p->text += (size_t)n;
    if (m->p->text > PICKLE_ALL_TEXT_MAX) return refuse(m, "more text than is read");
    b = take(m, (size_t)n);
    if (!b) return error_status();
    v->text = mem_alloc((size_t)n + 1, 1);
    memcpy(v->text, b, (size_t)n);
    return push(m, id);
}

/* A line of at most 255 bytes, as a string. */
static bool take_line(struct machine *m, char out[256]) {
    for (size_t n = 0; n < 256; n++) {
        const uint8_t *b = take(m, 1);
        if (!b) return false;
        out[n] = (char)*b;
        if (*b != '\n') continue;
        out[n] = 0;
        return true;
    }
    refuse(m, "a name is too long");
    return false;
}

static int push_global(struct machine *m, const char *module, const char *name) {
    uint32_t id = 0;
    const char *wrong = pickle_global(m->p, module, name, &id);
    if (!wrong) return push(m, id);
    struct str text = {0}; /* a stranger's bytes: only what is printable goes to the terminal */
    str_add(&text, "%.100s.%.100s", module, name);
    for (char *c = text.at; *c; c++)
        if (*c < 0x20 || *c > 0x7e) *c = '?';
    refuse_name(m, wrong, text.at);
    str_free(&text);
    return error_status();
}

static int global(struct machine *m) {
    char module[256], name[256];
    if (!take_line(m, module) || !take_line(m, name)) return error_status();
    return push_global(m, module, name);
}

static int stack_global(struct machine *m) {
    if (need(m, 2)) return error_status();
    const struct pickle_value *module = &m->p->at[top(m, 1)], *name = &m->p->at[top(m, 0)];
    if (module->kind != PICKLE_STRING || name->kind != PICKLE_STRING)
        return refuse(m, "a name that is no string");
    m->n -= 2;
    return push_global(m, module->text, name->text);
}

static int put_memo(struct machine *m, uint64_t at) {
    if (need(m, 1)) return error_status();
    if (at >= PICKLE_STACK_MAX) return refuse(m, "the memo is too large");
    if (at >= m->n_memo) {
        m->memo = mem_grow(m->memo, &m->cap_memo, (size_t)at + 1, sizeof *m->memo);
        memset(m->memo + m->n_memo, 0, ((size_t)at + 1 - m->n_memo) * sizeof *m->memo);
        m->n_memo = (size_t)at + 1;
    }
    m->memo[at] = top(m, 0);
    return 0;
}

static int get_memo(struct machine *m, uint64_t at) {
    if (at >= m->n_memo || !m->memo[at]) return refuse(m, "a value that was not remembered");
    return push(m, m->memo[at]);
}

/* Memo opcodes with an index of `width` bytes. */
static int memo(struct machine *m, int width, int (*act)(struct machine *, uint64_t)) {
    const uint8_t *b = take(m, (size_t)width);
    return b ? act(m, input_little(b, width)) : error_status();
}

/* A tuple of the n topmost values. */
static int tuple(struct machine *m, size_t n) {
    if (need(m, n)) return error_status();
    uint32_t id = pickle_new(m->p, PICKLE_TUPLE);
    for (size_t i = 0; id && i < n; i++)
        if (!pickle_put(m->p, id, m->stack[m->n - n + i])) id = 0;
    m->n -= n;
    return push(m, id);
}

/* Values above the last mark, which goes away; false and the error when there is no mark. */
static bool pop_mark(struct machine *m, size_t *n) {
    if (!m->n_marks) {
        refuse(m, "no mark on the stack");
        return false;
    }
    *n = above(m);
    m->n_marks--;
    return true;
}

/* Moves the n topmost values into the list or dict below them. */
static int extend(struct machine *m, enum pickle_kind kind, size_t n) {
    if (need(m, n + 1)) return error_status();
    uint32_t to = m->stack[m->n - n - 1];
    if (m->p->at[to].kind != kind)
        return refuse(m, kind == PICKLE_DICT ? "members for something that is no dict"
                                             : "members for something that is no list");
    if (kind == PICKLE_DICT && n % 2) return refuse(m, "a key without a value");
    for (size_t i = 0; i < n; i++)
        if (!pickle_put(m->p, to, m->stack[m->n - n + i]))
            return refuse(m, "more members than are read");
    m->n -= n;
    return 0;
}

static int extend_marked(struct machine *m, enum pickle_kind kind) {
    size_t n = 0;
    return pop_mark(m, &n) ? extend(m, kind, n) : error_status();
}

static int set_mark(struct machine *m) {
    if (m->n_marks == PICKLE_STACK_MAX) return refuse(m, "too many marks");
    m->mark = mem_grow(m->mark, &m->cap_marks, m->n_marks + 1, sizeof *m->mark);
    m->mark[m->n_marks++] = m->n;
    return 0;
}

/* REDUCE and NEWOBJ: name, arguments -> what it makes. */
static int call(struct machine *m) {
    uint32_t id = 0;
    if (need(m, 2)) return error_status();
    const char *wrong = pickle_call(m->p, top(m, 1), top(m, 0), &id);
    if (wrong) return refuse(m, wrong);
    m->n -= 2;
    return push(m, id);
}

static int persistent(struct machine *m) {
    uint32_t id = 0;
    if (need(m, 1)) return error_status();
    const char *wrong = pickle_persistent(m->p, top(m, 0), &id);
    if (wrong) return refuse(m, wrong);
    m->n--;
    return push(m, id);
}

static int build(struct machine *m) {
    if (need(m, 2)) return error_status();
    const char *wrong = pickle_build(m->p, top(m, 1), top(m, 0));
    if (wrong) return refuse(m, wrong);
    m->n--;
    return 0;
}

static int push_whole(struct machine *m, int width) {
    const uint8_t *b = take(m, (size_t)width);
    if (!b) return error_status();
    uint64_t x = input_little(b, width);
    return push_int(m, PICKLE_INT, width == 4 ? (int64_t)(int32_t)(uint32_t)x : (int64_t)x);
}

static int marked_tuple(struct machine *m) {
    size_t n = 0;
    return pop_mark(m, &n) ? tuple(m, n) : error_status();
}

static int protocol(struct machine *m) {
    const uint8_t *b = take(m, 1);
    if (!b) return error_status();
    return *b > PROTOCOL_MAX ? refuse(m, "a newer protocol than 5") : 0;
}

/* Opcodes that make a value out of what follows them in the file, or out of nothing. */
static int make(struct machine *m, int op) {
    switch (op) {
    case OP_NONE: return push(m, pickle_new(m->p, PICKLE_NONE));
    case OP_NEWTRUE: return push_int(m, PICKLE_BOOL, 1);
    case OP_NEWFALSE: return push_int(m, PICKLE_BOOL, 0);
    case OP_BININT: return push_whole(m, 4);
    case OP_BININT1: return push_whole(m, 1);
    case OP_BININT2: return push_whole(m, 2);
    case OP_LONG1: return push_long(m);
    case OP_BINFLOAT: return push_real(m);
    case OP_BINUNICODE:
    case OP_BINSTRING: return push_text(m, 4, true);
    case OP_SHORT_BINUNICODE:
    case OP_SHORT_BINSTRING: return push_text(m, 1, true);
    case OP_BINUNICODE8: return push_text(m, 8, true);
    case OP_BINBYTES: return push_text(m, 4, false);
    case OP_SHORT_BINBYTES: return push_text(m, 1, false);
    case OP_BINBYTES8: return push_text(m, 8, false);
    case OP_EMPTY_SET:
    case OP_EMPTY_LIST: return push(m, pickle_new(m->p, PICKLE_LIST));
    case OP_EMPTY_TUPLE: return push(m, pickle_new(m->p, PICKLE_TUPLE));
    case OP_EMPTY_DICT: return push(m, pickle_new(m->p, PICKLE_DICT));
    case OP_GLOBAL: return global(m);
    default: break;
    }
    char what[64];
    snprintf(what, sizeof what, "opcode 0x%02x is not one that is allowed in weights", op);
    return refuse(m, what);
}

static int step(struct machine *m, int op) {
    switch (op) {
    case OP_PROTO: return protocol(m);
    case OP_FRAME: return take(m, 8) ? 0 : error_status();
    case OP_MARK: return set_mark(m);
    case OP_POP: return need(m, 1) ? error_status() : (m->n--, 0);
    case OP_TUPLE: return marked_tuple(m);
    case OP_TUPLE1: return tuple(m, 1);
    case OP_TUPLE2: return tuple(m, 2);
    case OP_TUPLE3: return tuple(m, 3);
    case OP_APPEND: return extend(m, PICKLE_LIST, 1);
    case OP_ADDITEMS:
    case OP_APPENDS: return extend_marked(m, PICKLE_LIST);
    case OP_SETITEM: return extend(m, PICKLE_DICT, 2);
    case OP_SETITEMS: return extend_marked(m, PICKLE_DICT);
    case OP_BINGET: return memo(m, 1, get_memo);
    case OP_LONG_BINGET: return memo(m, 4, get_memo);
    case OP_BINPUT: return memo(m, 1, put_memo);
    case OP_LONG_BINPUT: return memo(m, 4, put_memo);
    case OP_MEMOIZE: return put_memo(m, m->n_memo);
    case OP_STACK_GLOBAL: return stack_global(m);
    case OP_REDUCE:
    case OP_NEWOBJ: return call(m);
    case OP_BUILD: return build(m);
    case OP_BINPERSID: return persistent(m);
    default: return make(m, op);
    }
}

static int run(struct machine *m) {
    for (;;) {
        m->op_at = m->at;
        const uint8_t *b = take(m, 1);
        if (!b) return error_status();
        if (*b == OP_STOP) break;
        int status = step(m, *b);
        if (status) return status;
    }
    if (m->n != 1 || m->n_marks) return refuse(m, "the pickle leaves more or less than one value");
    m->p->root = m->stack[0];
    m->p->end = m->at;
    return 0;
}

int pickle_read(struct pickle *p, const struct input *in, uint64_t from, uint64_t to,
                const char *what) {
    *p = (struct pickle){0};
    REQUIRE(from <= to && to <= in->size, "a pickle outside its file");
    pickle_new(p, PICKLE_NONE); /* index 0: no value */
    struct machine m = {.p = p, .in = in, .what = what, .from = from, .to = to, .at = from};
    m.window = mem_alloc(to - from < WINDOW ? (size_t)(to - from) + 1 : WINDOW, 1);
    m.stack = mem_grow(NULL, &m.cap, 64, sizeof *m.stack);
    int status = run(&m);
    free(m.window);
    free(m.stack);
    free(m.memo);
    free(m.mark);
    if (status) pickle_free(p);
    return status;
}

void pickle_free(struct pickle *p) {
    for (size_t i = 0; i < p->n; i++) {
        struct pickle_value *v = &p->at[i];
        switch ((enum pickle_kind)v->kind) {
        case PICKLE_STRING:
        case PICKLE_STORAGE: free(v->text); break;
        case PICKLE_LIST:
        case PICKLE_TUPLE:
        case PICKLE_DICT:
        case PICKLE_OBJECT: free(v->item); break;
        case PICKLE_TENSOR: free(v->tensor); break;
        default: break;
        }
    }
    free(p->at);
    *p = (struct pickle){0};
}

bool pickle_is(const struct pickle *p, uint32_t value, const char *text) {
    const struct pickle_value *v = &p->at[value];
    return v->kind == PICKLE_STRING && v->n == strlen(text) && memcmp(v->text, text, v->n) == 0;
}

uint32_t pickle_get(const struct pickle *p, uint32_t dict, const char *key) {
    const struct pickle_value *d = &p->at[dict];
    for (uint64_t i = 0; d->kind == PICKLE_DICT && i + 1 < d->n; i += 2)
        if (pickle_is(p, d->item[i], key)) return d->item[i + 1];
    return 0;
}
