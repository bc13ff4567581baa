#include "checkpoints/pickle_globals.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

static const struct pickle_type types[] = {
    {"FloatStorage", T_F32, 4},     {"DoubleStorage", T_F64, 8},
    {"HalfStorage", T_F16, 2},      {"BFloat16Storage", T_BF16, 2},
    {"LongStorage", T_I64, 8},      {"IntStorage", T_I32, 4},
    {"ByteStorage", T_U8, 1},       {"BoolStorage", T_BOOL, 1},
    {"ShortStorage", -1, 2},        {"CharStorage", -1, 1},
    {"ComplexFloatStorage", -1, 8}, {"ComplexDoubleStorage", -1, 16},
};

static const struct {
    const char *module, *name;
    enum pickle_role role;
} globals[] = {
    {"collections", "OrderedDict", PICKLE_ORDERED},
    {"torch._utils", "_rebuild_tensor_v2", PICKLE_REBUILD},
    {"torch._utils", "_rebuild_tensor", PICKLE_REBUILD},
    {"torch._utils", "_rebuild_parameter", PICKLE_FIRST},
    {"torch._utils", "_rebuild_parameter_with_state", PICKLE_FIRST},
    {"torch", "Size", PICKLE_FIRST},
    {"torch", "device", PICKLE_FIRST},
    {"torch.storage", "_load_from_bytes", PICKLE_NESTED},
    {"torch.jit._pickle", "build_intlist", PICKLE_FIRST},
    {"torch.jit._pickle", "build_doublelist", PICKLE_FIRST},
    {"torch.jit._pickle", "build_boollist", PICKLE_FIRST},
    {"torch.jit._pickle", "build_tensorlist", PICKLE_FIRST},
    {"torch.jit._pickle", "restore_type_tag", PICKLE_FIRST},
    /* NumPy, in converted backbones (.pkl) and beside models */
    {"numpy.core.multiarray", "_reconstruct", PICKLE_ARRAY},
    {"numpy._core.multiarray", "_reconstruct", PICKLE_ARRAY},
    {"numpy.core.multiarray", "scalar", PICKLE_RECORD},
    {"numpy._core.multiarray", "scalar", PICKLE_RECORD},
    {"numpy", "ndarray", PICKLE_INERT},
    {"numpy", "dtype", PICKLE_DTYPE},
    {"_codecs", "encode", PICKLE_RECORD},
    /* What training scripts save beside the model */
    {"collections", "defaultdict", PICKLE_ORDERED},
    {"collections", "Counter", PICKLE_ORDERED},
    {"yacs.config", "CfgNode", PICKLE_ORDERED},
    {"fvcore.common.config", "CfgNode", PICKLE_ORDERED},
    {"detectron2.config.config", "CfgNode", PICKLE_ORDERED},
    {"argparse", "Namespace", PICKLE_RECORD},
    {"builtins", "set", PICKLE_FIRST},
    {"__builtin__", "set", PICKLE_FIRST},
    {"builtins", "list", PICKLE_INERT},
    {"builtins", "dict", PICKLE_INERT},
    {"builtins", "int", PICKLE_INERT},
    {"builtins", "float", PICKLE_INERT},
    {"torch", "float32", PICKLE_INERT},
    {"torch", "float64", PICKLE_INERT},
    {"torch", "float16", PICKLE_INERT},
    {"torch", "bfloat16", PICKLE_INERT},
    {"torch", "int64", PICKLE_INERT},
    {"torch", "int32", PICKLE_INERT},
    {"torch", "uint8", PICKLE_INERT},
    {"torch", "bool", PICKLE_INERT},
};

const char *pickle_storage_name(enum t_dtype dtype) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].dtype == (int)dtype) return types[i].name;
    REQUIRE(false, "no storage of type %d", (int)dtype);
    return NULL;
}

static const char too_many[] = "more values than are read";

uint32_t pickle_new(struct pickle *p, enum pickle_kind kind) {
    if (p->n >= PICKLE_VALUES_MAX) return 0;
    p->at = mem_grow(p->at, &p->cap, p->n + 1, sizeof *p->at);
    p->at[p->n] = (struct pickle_value){.kind = (uint8_t)kind};
    return (uint32_t)p->n++;
}

bool pickle_put(struct pickle *p, uint32_t to, uint32_t value) {
    struct pickle_value *v = &p->at[to];
    if (p->items >= PICKLE_ITEMS_MAX) return false;
    p->items++;
    v->item = mem_grow(v->item, &v->cap, (size_t)v->n + 1, sizeof *v->item);
    v->item[v->n++] = value;
    return true;
}

static uint32_t new_global(struct pickle *p, enum pickle_role role,
                           const struct pickle_type *type) {
    uint32_t id = pickle_new(p, PICKLE_GLOBAL);
    if (id) {
        p->at[id].role = (uint8_t)role;
        p->at[id].type = type;
    }
    return id;
}

const char *pickle_global(struct pickle *p, const char *module, const char *name, uint32_t *out) {
    static const char script[] = "__torch__";
    if (strncmp(module, script, sizeof script - 1) == 0 &&
        (module[sizeof script - 1] == 0 || module[sizeof script - 1] == '.')) {
        *out = new_global(p, PICKLE_MODULE, NULL);
        return *out ? NULL : too_many;
    }
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++)
        if (strcmp(globals[i].module, module) == 0 && strcmp(globals[i].name, name) == 0) {
            *out = new_global(p, globals[i].role, NULL);
            return *out ? NULL : too_many;
        }
    for (size_t i = 0; strcmp(module, "torch") == 0 && i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0) {
            *out = new_global(p, PICKLE_TYPE, &types[i]);
            return *out ? NULL : too_many;
        }
    return "is not a name that is allowed in weights";
}

static bool is(const struct pickle *p, uint32_t id, enum pickle_kind kind) {
    return p->at[id].kind == kind;
}

/* A tuple of whole numbers that are not negative, at most 8. */
static bool get_sizes(const struct pickle *p, uint32_t id, int64_t *out, uint64_t *n) {
    const struct pickle_value *v = &p->at[id];
    if ((v->kind != PICKLE_TUPLE && v->kind != PICKLE_LIST) || v->n > 8) return false;
    for (uint64_t i = 0; i < v->n; i++) {
        const struct pickle_value *x = &p->at[v->item[i]];
        if (x->kind != PICKLE_INT || x->i < 0) return false;
        out[i] = x->i;
    }
    *n = v->n;
    return true;
}

/* (storage, offset, sizes, strides, ...); what follows speaks of gradients. */
static const char *rebuild(struct pickle *p, uint32_t args, uint32_t *out) {
    const struct pickle_value *a = &p->at[args];
    if (a->n < 4) return "a tensor of fewer than four arguments";
    uint32_t storage = a->item[0], offset = a->item[1];
    bool nested = is(p, storage, PICKLE_OBJECT) && p->at[storage].role == PICKLE_NESTED;
    if (!is(p, storage, PICKLE_STORAGE) && !nested) return "a tensor without a storage";
    if (!is(p, offset, PICKLE_INT) || p->at[offset].i < 0) return "a tensor without an offset";
    struct pickle_tensor t = {.storage = storage, .offset = (uint64_t)p->at[offset].i};
    uint64_t axes, strides;
    if (!get_sizes(p, a->item[2], t.shape.d, &axes) ||
        !get_sizes(p, a->item[3], t.stride, &strides) || axes != strides)
        return "a tensor of wrong sizes or strides, or of more than 8 axes";
    t.shape.n = (int)axes;
    *out = pickle_new(p, PICKLE_TENSOR);
    if (!*out) return too_many;
    p->at[*out].tensor = mem_alloc(1, sizeof t);
    *p->at[*out].tensor = t;
    return NULL;
}

/* OrderedDict() and, of Python 2, OrderedDict([[key, value], ...]); defaultdict(list). */
static const char *new_dict(struct pickle *p, uint32_t args, uint32_t *out) {
    *out = pickle_new(p, PICKLE_DICT);
    if (!*out) return too_many;
    if (p->at[args].n == 0 || is(p, p->at[args].item[0], PICKLE_GLOBAL)) return NULL;
    uint32_t list = p->at[args].item[0];
    if (p->at[args].n != 1 || !is(p, list, PICKLE_LIST)) return "a dict of something else";
    for (uint64_t i = 0; i < p->at[list].n; i++) {
        const struct pickle_value *pair = &p->at[p->at[list].item[i]];
        if ((pair->kind != PICKLE_LIST && pair->kind != PICKLE_TUPLE) || pair->n != 2)
            return "a dict of something else than pairs";
        uint32_t key = pair->item[0], value = pair->item[1];
        if (!pickle_put(p, *out, key) || !pickle_put(p, *out, value)) return too_many;
    }
    return NULL;
}

static const char *new_object(struct pickle *p, enum pickle_role role, uint32_t args,
                              uint32_t *out) {
    *out = pickle_new(p, PICKLE_OBJECT);
    if (!*out) return too_many;
    p->at[*out].role = (uint8_t)role;
    for (uint64_t i = 0; i < p->at[args].n; i++)
        if (!pickle_put(p, *out, p->at[args].item[i])) return too_many;
    return NULL;
}

const char *pickle_call(struct pickle *p, uint32_t callee, uint32_t args, uint32_t *out) {
    if (!is(p, callee, PICKLE_GLOBAL)) return "a call of something that is no name";
    if (!is(p, args, PICKLE_TUPLE)) return "a call without a tuple of arguments";
    switch ((enum pickle_role)p->at[callee].role) {
    case PICKLE_INERT:
    case PICKLE_TYPE: return "a call of a name that may not be called";
    case PICKLE_FIRST:
        if (!p->at[args].n) return "a call without arguments";
        *out = p->at[args].item[0];
        return NULL;
    case PICKLE_ORDERED: return new_dict(p, args, out);
    case PICKLE_REBUILD: return rebuild(p, args, out);
    case PICKLE_NESTED:
        if (p->at[args].n != 1 || !is(p, p->at[args].item[0], PICKLE_BYTES))
            return "a storage that is not bytes";
        return new_object(p, PICKLE_NESTED, args, out);
    case PICKLE_RECORD:
    case PICKLE_MODULE:
    case PICKLE_ARRAY:
    case PICKLE_DTYPE: return new_object(p, (enum pickle_role)p->at[callee].role, args, out);
    }
    return "a call of a name that may not be called";
}

/* ("storage", torch.FloatStorage, key, device, elements [, view of older files: None]) */
const char *pickle_persistent(struct pickle *p, uint32_t id, uint32_t *out) {
    const struct pickle_value *t = &p->at[id];
    if (t->kind != PICKLE_TUPLE || t->n < 5 || t->n > 6 || !pickle_is(p, t->item[0], "storage"))
        return "a reference that is not to a storage";
    const struct pickle_value *global = &p->at[t->item[1]], *key = &p->at[t->item[2]],
                              *n = &p->at[t->item[4]];
    if (global->kind != PICKLE_GLOBAL || !global->type) return "a storage of no known type";
    if (key->kind != PICKLE_STRING || strlen(key->text) != key->n || !key->n || key->n > 255)
        return "a storage without a key";
    if (n->kind != PICKLE_INT || n->i < 0) return "a storage without a size";
    if (t->n == 6 && !is(p, t->item[5], PICKLE_NONE)) return "a storage that is a view";
    struct pickle_value v = {.kind = PICKLE_STORAGE,
                             .type = global->type,
                             .n = (uint64_t)n->i,
                             .text = mem_strdup(key->text)};
    p->text += key->n;
    *out = pickle_new(p, PICKLE_STORAGE);
    if (*out)
        p->at[*out] = v;
    else
        free(v.text);
    return *out ? NULL : too_many;
}

const char *pickle_build(struct pickle *p, uint32_t to, uint32_t state) {
    if (!is(p, to, PICKLE_DICT) && !is(p, to, PICKLE_OBJECT))
        return "attributes for something that has none";
    p->at[to].extra = state;
    return NULL;
}
