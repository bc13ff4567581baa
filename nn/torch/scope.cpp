// Scopes, the ownership of handles, and what an error message says.
#include <ATen/autocast_mode.h>

#include <atomic>
#include <memory>
#include <sstream>
#include <string>

#include "nn/torch/handle.hpp"

struct Scope {
    const char *name;
    bool grad_was, train_was, model_was, meta_was, undrawn_was, recomputes_was, tf32_was;
    enum precision precision_was;
    tensor ring; // sentinel of the handles it owns
    explicit Scope(const char *n) : name(n) { ring.prev = ring.next = &ring; }
};

namespace {

thread_local std::vector<std::unique_ptr<Scope>> scopes;
thread_local bool training = false;
thread_local bool meta = false;
thread_local bool undrawn = false;
thread_local bool recomputes = false;
thread_local bool model = false;
thread_local enum precision products = PRECISION_FP32;
thread_local long fail_at = 0;
std::atomic<size_t> live{0};

void disown(tensor *x) {
    if (!x->owner) return;
    x->prev->next = x->next;
    x->next->prev = x->prev;
    x->owner = nullptr;
}

void own(Scope *s, tensor *x) {
    x->owner = s;
    x->prev = s->ring.prev;
    x->next = &s->ring;
    x->prev->next = x->next->prev = x;
}

void drop(tensor *x) {
    disown(x);
    delete x;
    live--;
}

bool half(enum precision p) { return p == PRECISION_BF16 || p == PRECISION_FP16; }

// libtorch's own cache of cast weights stays off: it would outlive an update of the weights.
void set_precision(enum precision p, bool in_model) {
    if (p == products && in_model == model) return;
    products = p;
    model = in_model;
    auto device = t_device() == T_CUDA ? at::kCUDA : at::kCPU;
    at::autocast::set_autocast_cache_enabled(false);
    if (half(p))
        at::autocast::set_autocast_dtype(device, dtype_of(p == PRECISION_BF16 ? T_BF16 : T_F16));
    at::autocast::set_autocast_enabled(device, in_model && half(p));
    set_tf32(in_model && p == PRECISION_TF32);
}

std::string where() {
    std::string path;
    for (auto &s : scopes)
        if (s->name && *s->name) path += (path.empty() ? "" : "/") + std::string(s->name);
    return path;
}

} // namespace

tensor *wrap(at::Tensor t) {
    REQUIRE(!scopes.empty(), "a tensor was created outside any scope");
    auto *x = new tensor{std::move(t)};
    live++;
    own(scopes.back().get(), x);
    return x;
}

void fail(const char *op, Args args, const char *what) {
    std::ostringstream m;
    m << op << "(";
    const char *sep = "";
    for (auto *a : args) {
        m << sep;
        sep = ", ";
        if (a)
            m << a->t.sizes() << " " << a->t.scalar_type();
        else
            m << "NULL";
    }
    std::string text(what);
    m << "): " << text.substr(0, text.find('\n')) << " [in " << where() << "]";
    error_set(ERR_INTERNAL, "%s", m.str().c_str());
}

bool may_run(const char *op, Args args) {
    if (error_status()) return false;
    if (fail_at && --fail_at == 0) return fail(op, args, "failed on request"), false;
    for (auto *a : args)
        if (!a) return fail(op, args, "an argument is NULL"), false;
    return true;
}

std::vector<at::Tensor> list(tensor *const *x, size_t n) {
    std::vector<at::Tensor> v;
    v.reserve(n);
    for (size_t i = 0; i < n; i++) {
        TORCH_CHECK(x[i], "tensor ", i, " of the list is NULL");
        v.push_back(x[i]->t);
    }
    return v;
}

void t_fail_at(long n) { fail_at = n; }
bool t_training(void) { return training; }
bool meta_now() { return meta; }
bool undrawn_now() { return undrawn; }
bool t_grad_enabled() { return at::GradMode::is_enabled(); }
enum precision t_precision(void) { return products; }
bool t_recomputes(void) { return recomputes; }
int t_modes(void) {
    return (training ? T_TRAIN : T_EVAL) | (model ? T_MODEL : 0) | T_PRECISION(products);
}
bool t_half_products(void) { return model && half(products); }
size_t t_live(void) { return live; }

int t_scope_open(const char *name, int modes) {
    auto s = std::make_unique<Scope>(name);
    s->grad_was = at::GradMode::is_enabled();
    s->train_was = training;
    s->meta_was = meta;
    s->undrawn_was = undrawn;
    s->recomputes_was = recomputes;
    s->model_was = model;
    s->precision_was = products;
    s->tf32_was = tf32_now(); // a backward has it without a scope (autograd.cpp)
    if (modes & T_NO_GRAD) at::GradMode::set_enabled(false);
    if (modes & T_GRAD) at::GradMode::set_enabled(true);
    if (modes & T_TRAIN) training = true;
    if (modes & T_EVAL) training = false;
    if (modes & T_META) meta = true;
    if (modes & T_UNDRAWN) undrawn = true;
    if (modes & T_RECOMPUTE) recomputes = true;
    int asked = modes >> 8; // T_PRECISION
    set_precision(asked ? (enum precision)(asked - 1) : products, model || (modes & T_MODEL));
    scopes.push_back(std::move(s));
    return int(scopes.size());
}

tensor *t_keep(int scope, tensor *x) {
    REQUIRE(scope == int(scopes.size()), "t_keep into a scope that is not the innermost");
    if (x && x->owner == scopes.back().get()) {
        REQUIRE(scopes.size() > 1, "the outermost scope has nobody to hand a tensor to");
        disown(x);
        own(scopes[scopes.size() - 2].get(), x);
    }
    return x;
}

tensor *t_scope_close(int scope, tensor *result) {
    REQUIRE(scope == int(scopes.size()), "scopes must close in the reverse order they opened");
    t_keep(scope, result);
    Scope &s = *scopes.back();
    while (s.ring.next != &s.ring) drop(s.ring.next);
    set_precision(s.precision_was, s.model_was);
    set_tf32(s.tf32_was);
    at::GradMode::set_enabled(s.grad_was);
    training = s.train_was;
    meta = s.meta_was;
    undrawn = s.undrawn_was;
    recomputes = s.recomputes_was;
    scopes.pop_back();
    return result;
}

tensor *t_next(tensor *before, tensor *x) {
    if (before && before != x && before->owner == scopes.back().get()) drop(before);
    return x;
}

tensor *t_hold(tensor *x) {
    if (x) disown(x);
    return x;
}

void t_drop(tensor *x) {
    if (x) drop(x);
}
