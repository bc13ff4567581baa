// Private to nn/torch: what a handle is, and the one place where exceptions stop.
#pragma once

#include <ATen/ATen.h>

#include <initializer_list>
#include <vector>

#include "base/error.h"
#include "nn/torch/tensor.h"

struct Scope;

struct tensor {
    at::Tensor t;
    Scope *owner = nullptr; // NULL once held
    tensor *prev = nullptr, *next = nullptr;
};

using Args = std::initializer_list<tensor *>;

tensor *wrap(at::Tensor t); // into the innermost scope
void fail(const char *op, Args args, const char *what);
bool may_run(const char *op, Args args); // no error pending, every argument there

// Runs f; an exception becomes the pending error and `otherwise` the result.
template <class F, class R = decltype(std::declval<F>()())>
R guard(const char *op, Args args, F f, R otherwise = R()) {
    if (!may_run(op, args)) return otherwise;
    try {
        return f();
    } catch (const c10::Error &e) {
        fail(op, args, e.what_without_backtrace());
    } catch (const std::exception &e) {
        fail(op, args, e.what());
    } catch (...) {
        fail(op, args, "unknown exception");
    }
    return otherwise;
}

template <class F>
tensor *make(const char *op, Args args, F f) {
    return guard(op, args, [&] { return wrap(f()); });
}

template <class F>
void run(const char *op, Args args, F f) {
    guard(op, args, [&] { return f(), 0; });
}

inline at::Tensor opt(tensor *x) { return x ? x->t : at::Tensor(); }
inline at::IntArrayRef dims(const struct shape &s) { return {s.d, size_t(s.n)}; }
std::vector<at::Tensor> list(tensor *const *x, size_t n); // REQUIREs that none is NULL
at::ScalarType dtype_of(enum t_dtype d);
bool meta_now();         // in T_META scopes
bool undrawn_now();      // in T_UNDRAWN scopes
at::Device device_now(); // where tensors are made: meta in T_META scopes
at::Device host_now();   // the CPU, or meta
bool set_tf32(bool on);  // of float32 products on GPUs; what it was
bool tf32_now();
at::TensorOptions options(enum t_dtype d); // of that type, on the current device
