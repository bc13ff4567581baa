#include "checkpoints/pth_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum {
    DEPTH_MAX = 12,
    STEPS_MAX = 1 << 20, /* members visited: one value may be in many places */
    PASSED_MAX = 100000,
    EXTRA_BYTES = 64 << 20,
    NESTED_COST = 16 << 10, /* bytes of reading that opening a file in the file stands for */
};

struct walk {
    struct pth *f;
    size_t *storage_of; /* of each value of the pickle; 0: not yet looked for, else index + 1 */
    size_t steps;
    char name[ST_NAME_MAX + 1];
};

static const struct pickle_value *value(const struct walk *w, uint32_t id) {
    return &w->f->pickle.at[id];
}

static int refuse(const struct walk *w, const char *what) {
    return error_set(ERR_DATA, "%s: %s: %s", w->f->in.path, w->name, what);
}

/* Counts what reading will cost: an object may hold the same elements many times. */
static bool charge(struct pth *f, uint64_t bytes) {
    if (bytes > 4 * f->in.size + EXTRA_BYTES - f->bytes) return false;
    f->bytes += bytes;
    return true;
}

/* The bytes of a whole file inside the pickle, whose object is one storage. */
static int open_nested(struct walk *w, const struct pickle_value *bytes, size_t *out) {
    struct pth *f = w->f;
    struct pickle p;
    struct pth_storages s = {0};
    if (!pth_is_stream(&f->in, bytes->at, bytes->at + bytes->n))
        return refuse(w, "its data is no torch stream");
    if (!charge(f, NESTED_COST)) return refuse(w, "more files in the file than are read");
    int status = pth_stream_read(&p, &s, &f->in, bytes->at, bytes->at + bytes->n);
    if (status) return status;
    if (p.at[p.root].kind != PICKLE_STORAGE || s.n != 1) {
        status = refuse(w, "its data is not one storage");
    } else {
        *out = pth_storage_add(&f->storages, s.at[0].at, s.at[0].bytes);
        f->storages.at[*out].type = s.at[0].type;
    }
    pth_storages_free(&s);
    pickle_free(&p);
    return status;
}

static int find_storage(struct walk *w, uint32_t id, size_t *out) {
    if (w->storage_of[id]) {
        *out = w->storage_of[id] - 1;
        return 0;
    }
    const struct pickle_value *v = value(w, id);
    int status = 0;
    if (v->kind == PICKLE_STORAGE) {
        struct pth_storage *x = NULL;
        if (w->f->form != PTH_PICKLE) x = pth_storage_find(&w->f->storages, v->text);
        if (!x) return refuse(w, "its storage is not in the file");
        status = pth_storage_settle(x, v->type, v->n, w->f->in.path);
        *out = (size_t)(x - w->f->storages.at);
    } else {
        if (w->f->form != PTH_PICKLE) return refuse(w, "its storage is a file in a file");
        status = open_nested(w, value(w, v->item[0]), out);
    }
    w->storage_of[id] = *out + 1;
    return status;
}

/* Sets dense, and span in elements; false when the elements do not lie inside `n`. */
static bool measure(struct pth_view *v, const struct shape *s, uint64_t offset, uint64_t n) {
    size_t last = (size_t)offset, expected = 1;
    v->dense = true;
    v->span = 0;
    for (int i = s->n - 1; i >= 0; i--) {
        size_t step;
        if (s->d[i] == 0) return offset <= n; /* no element */
        if (s->d[i] > 1 && (size_t)v->stride[i] != expected) v->dense = false;
        if (!size_mul((size_t)(s->d[i] - 1), (size_t)v->stride[i], &step) ||
            !size_add(last, step, &last) || !size_mul(expected, (size_t)s->d[i], &expected))
            return false;
    }
    if (last >= n) return false;
    v->span = last + 1 - offset;
    return true;
}

static int add_entry(struct walk *w, enum t_dtype dtype, struct shape shape, struct pth_view v,
                     uint64_t offset) {
    struct pth *f = w->f;
    size_t size = st_dtype_size(dtype), bytes = size;
    for (int i = 0; i < shape.n; i++)
        if (!size_mul(bytes, (size_t)shape.d[i], &bytes)) return refuse(w, "its size overflows");
    if (!measure(&v, &shape, offset, f->storages.at[v.storage].bytes / size))
        return refuse(w, "its elements lie outside its storage");
    if (!*w->name) return refuse(w, "a tensor without a name");
    for (const char *c = w->name; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            return error_set(ERR_DATA, "%s: a tensor's name is not printable ASCII", f->in.path);
    if (f->table.n == ST_TENSORS_MAX) return refuse(w, "more than 100000 tensors");
    v.at = offset * size;
    v.span *= size;
    if (!charge(f, bytes) || (!v.dense && !charge(f, v.span)))
        return refuse(w, "the tensors hold many times what the file does");
    f->view = mem_grow(f->view, &f->cap_view, f->table.n + 1, sizeof *f->view);
    f->view[f->table.n] = v;
    st_table_add(&f->table, w->name, dtype, shape);
    return 0;
}

static int add_tensor(struct walk *w, const struct pickle_tensor *t) {
    struct pth_view v = {0};
    int status = find_storage(w, t->storage, &v.storage);
    if (status) return status;
    const struct pickle_type *type = w->f->storages.at[v.storage].type;
    if (type->dtype < 0)
        return error_set(ERR_DATA, "%s: %s: elements of a %s are not read", w->f->in.path, w->name,
                         type->name);
    memcpy(v.stride, t->stride, sizeof v.stride);
    return add_entry(w, (enum t_dtype)type->dtype, t->shape, v, t->offset);
}

/* NumPy's element types: "f4" with "<" beside it; one byte has no order. */
static bool array_type(const struct walk *w, uint32_t id, enum t_dtype *out) {
    static const struct {
        const char *code;
        enum t_dtype dtype;
    } codes[] = {{"f4", T_F32}, {"f8", T_F64}, {"f2", T_F16}, {"i8", T_I64},
                 {"i4", T_I32}, {"u1", T_U8},  {"b1", T_BOOL}};
    const struct pickle_value *v = value(w, id);
    if (v->kind != PICKLE_OBJECT || v->role != PICKLE_DTYPE || !v->n || !v->extra) return false;
    const struct pickle_value *state = value(w, v->extra);
    if (state->kind != PICKLE_TUPLE || state->n < 2) return false;
    if (!pickle_is(&w->f->pickle, state->item[1], "<") &&
        !pickle_is(&w->f->pickle, state->item[1], "|"))
        return false;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (pickle_is(&w->f->pickle, v->item[0], codes[i].code)) {
            *out = codes[i].dtype;
            return true;
        }
    return false;
}

/* An array's attributes: (version, shape, element type, columns first, bytes). */
static int add_array(struct walk *w, const struct pickle_value *array) {
    const struct pickle_value *state = value(w, array->extra);
    enum t_dtype dtype;
    if (state->kind != PICKLE_TUPLE || state->n != 5) return refuse(w, "a damaged array");
    const struct pickle_value *sizes = value(w, state->item[1]),
                              *fortran = value(w, state->item[3]), *data = value(w, state->item[4]);
    if (!array_type(w, state->item[2], &dtype))
        return refuse(w, "an array of elements that are not read");
    if (sizes->kind != PICKLE_TUPLE || sizes->n > 8 || fortran->kind != PICKLE_BOOL)
        return refuse(w, "an array of a shape that is not read");
    if (data->kind != PICKLE_BYTES)
        return refuse(w, "an array whose data are no bytes (pickle it with protocol 3 or 4)");
    struct shape shape = {.n = (int)sizes->n};
    for (int i = 0; i < shape.n; i++) {
        const struct pickle_value *d = value(w, sizes->item[i]);
        if (d->kind != PICKLE_INT || d->i < 0) return refuse(w, "an array of a wrong shape");
        shape.d[i] = d->i;
    }
    struct pth_view v = {0};
    int64_t step = 1;
    size_t numel = 1, bytes;
    for (int i = 0; i < shape.n; i++) {
        int axis = fortran->i ? i : shape.n - 1 - i;
        v.stride[axis] = step;
        if (!size_mul(numel, (size_t)shape.d[axis], &numel) || numel > INT64_MAX)
            return refuse(w, "its size overflows");
        step = (int64_t)numel;
    }
    if (!size_mul(numel, st_dtype_size(dtype), &bytes) || bytes != data->n)
        return refuse(w, "an array whose data do not fit its shape");
    v.storage = pth_storage_add(&w->f->storages, data->at, data->n);
    return add_entry(w, dtype, shape, v, 0);
}

/* The name of a member behind the name so far; its old length goes to *old. */
static int enter(struct walk *w, const struct pickle_value *key, uint64_t index, size_t *old) {
    *old = strlen(w->name);
    char number[24];
    const char *text = number;
    if (key && key->kind == PICKLE_STRING && strlen(key->text) == key->n)
        text = key->text;
    else if (key && key->kind != PICKLE_INT)
        return refuse(w, "a key that is neither text nor a whole number");
    else if (key)
        snprintf(number, sizeof number, "%" PRId64, key->i);
    else
        snprintf(number, sizeof number, "%" PRIu64, index);
    size_t n = strlen(text), dot = *old ? 1 : 0;
    if (n + dot + *old > ST_NAME_MAX) return refuse(w, "a name inside it is longer than 255 bytes");
    if (dot) w->name[*old] = '.';
    memcpy(w->name + *old + dot, text, n + 1);
    return 0;
}

static int visit(struct walk *w, uint32_t id, int depth, bool script);

static int visit_members(struct walk *w, uint32_t id, int depth, bool script) {
    bool dict = value(w, id)->kind == PICKLE_DICT;
    if (depth == DEPTH_MAX) return refuse(w, "too deep");
    for (uint64_t i = 0; i < value(w, id)->n; i += dict ? 2 : 1) {
        const struct pickle_value *v = value(w, id);
        uint32_t member = v->item[dict ? i + 1 : i];
        size_t old = 0;
        if (++w->steps > STEPS_MAX) return refuse(w, "more members than are read");
        int status = enter(w, dict ? value(w, v->item[i]) : NULL, i, &old);
        if (!status) status = visit(w, member, depth + 1, script);
        if (status) return status;
        w->name[old] = 0;
    }
    return 0;
}

/* `script`: inside a TorchScript module, whose attributes of other kinds are of no interest. */
static int visit(struct walk *w, uint32_t id, int depth, bool script) {
    const struct pickle_value *v = value(w, id);
    struct strings *passed = &w->f->passed;
    switch ((enum pickle_kind)v->kind) {
    case PICKLE_TENSOR: return add_tensor(w, v->tensor);
    case PICKLE_DICT:
    case PICKLE_LIST:
    case PICKLE_TUPLE: return visit_members(w, id, depth, script);
    case PICKLE_OBJECT:
        if (v->role == PICKLE_ARRAY) return add_array(w, v);
        if (v->role == PICKLE_MODULE && value(w, v->extra)->kind == PICKLE_DICT)
            return visit_members(w, v->extra, depth, true);
        break;
    default: break;
    }
    if (!script && passed->n < PASSED_MAX) strings_add(passed, w->name);
    return 0;
}

/* The dict that is meant; 0 and the error. */
static uint32_t choose(struct pth *f, const char *part) {
    static const char *const usual[] = {"model", "state_dict"};
    const struct pickle *p = &f->pickle;
    uint32_t found = 0;
    for (size_t i = 0; !part && !found && i < 2; i++) {
        uint32_t id = pickle_get(p, p->root, usual[i]);
        if (p->at[id].kind == PICKLE_DICT) found = id, f->part = mem_strdup(usual[i]);
    }
    if (found) return found;
    if (!part) {
        const struct pickle_value *root = &p->at[p->root];
        if (root->kind == PICKLE_DICT || f->form == PTH_SCRIPT) return p->root;
        error_set(ERR_DATA, "%s: holds no dict of tensors", f->in.path);
        return 0;
    }
    found = pickle_get(p, p->root, part);
    if (!found) {
        error_set(ERR_CONFIG, "%s: holds no part \"%s\"", f->in.path, part);
        return 0;
    }
    f->part = mem_strdup(part);
    return found;
}

static void strip_module(struct st_table *t) {
    enum { LENGTH = sizeof "module." - 1 };
    for (size_t i = 0; i < t->n; i++)
        memmove(t->at[i].name, t->at[i].name + LENGTH, strlen(t->at[i].name + LENGTH) + 1);
}

static bool all_in_module(const struct st_table *t) {
    for (size_t i = 0; i < t->n; i++)
        if (strncmp(t->at[i].name, "module.", 7) != 0 || !t->at[i].name[7]) return false;
    return t->n > 0;
}

int pth_table_fill(struct pth *f, const char *part) {
    struct walk w = {.f = f};
    uint32_t root = choose(f, part);
    if (!root) return error_status();
    w.storage_of = mem_alloc(f->pickle.n, sizeof *w.storage_of);
    int status = visit(&w, root, 0, false);
    free(w.storage_of);
    if (status) return status;
    if (!f->table.n) return error_set(ERR_DATA, "%s: holds no tensors", f->in.path);
    f->module = all_in_module(&f->table);
    if (f->module) strip_module(&f->table);
    const char *twice = st_table_index(&f->table);
    return twice ? error_set(ERR_DATA, "%s: two tensors are named %s", f->in.path, twice) : 0;
}
