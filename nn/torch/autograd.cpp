// Gradients, and functions whose gradient is written by hand in C.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <memory>
#include <string>

#include "nn/torch/handle.hpp"

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Ends with the graph: then nobody can call backward any more.
struct Call : torch::CustomClassHolder {
    struct t_function f;
    void *ctx;
    Call(const struct t_function &f_, void *c) : f(f_), ctx(c) {}
    ~Call() override {
        if (f.release) f.release(ctx);
    }
};

// An error inside a callback crosses libtorch's frames as an exception; guard() stops it again.
void rethrow(const char *name) {
    if (!error_status()) return;
    std::string text = error_message();
    error_clear();
    TORCH_CHECK(false, name, ": ", text);
}

struct Custom : torch::autograd::Function<Custom> {
    static at::Tensor forward(AutogradContext *ac, at::TensorList in,
                              c10::intrusive_ptr<Call> call) {
        ac->saved_data["call"] = c10::IValue::make_capsule(call);
        ac->saved_data["n"] = int64_t(in.size());
        int outer = t_scope_open(call->f.name, T_NO_GRAD);
        std::vector<tensor *> args;
        for (const auto &t : in) args.push_back(wrap(t));
        tensor *y = call->f.forward(call->ctx, args.data(), args.size());
        at::Tensor result = y ? y->t : at::Tensor();
        t_scope_close(outer, nullptr);
        rethrow(call->f.name);
        TORCH_CHECK(result.defined(), call->f.name, ": forward returned nothing");
        return result;
    }

    static variable_list backward(AutogradContext *ac, variable_list grad) {
        auto call = c10::static_intrusive_pointer_cast<Call>(ac->saved_data["call"].toCapsule());
        size_t n = size_t(ac->saved_data["n"].toInt());
        int outer = t_scope_open(call->f.name, T_NO_GRAD);
        std::vector<tensor *> grads(n, nullptr);
        call->f.backward(call->ctx, wrap(grad[0]), grads.data(), n);
        variable_list out;
        for (auto *g : grads) out.push_back(opt(g));
        t_scope_close(outer, nullptr);
        rethrow(call->f.name);
        out.push_back(at::Tensor()); // of the capsule
        return out;
    }
};

struct OnGrad : torch::autograd::PostAccumulateGradHook {
    void (*f)(void *, size_t);
    void *ctx;
    size_t i;
    OnGrad(void (*f_)(void *, size_t), void *ctx_, size_t i_) : f(f_), ctx(ctx_), i(i_) {}
    void operator()(const torch::autograd::Variable &) override {
        int outer = t_scope_open("gradient", T_NO_GRAD);
        f(ctx, i);
        t_scope_close(outer, nullptr);
        rethrow("gradient");
    }
};

// In 16 bits a gradient has the type of its tensor; float32 products have to be told again.
struct Tf32 {
    bool was = set_tf32(t_precision() == PRECISION_TF32);
    ~Tf32() { set_tf32(was); }
};

} // namespace

void t_require_grad(tensor *x, bool on) {
    run("t_require_grad", {x}, [&] { x->t.requires_grad_(on); });
}
bool t_requires_grad(tensor *x) {
    return guard("t_requires_grad", {x}, [&] { return x->t.requires_grad(); });
}
void t_backward(tensor *loss) {
    Tf32 on;
    run("t_backward", {loss}, [&] { loss->t.backward(); });
}
void t_backward_from(tensor *y, tensor *grad) {
    Tf32 on;
    run("t_backward_from", {y, grad}, [&] { y->t.backward(grad->t); });
}
tensor *t_grad(tensor *x) {
    return guard("t_grad", {x},
                 [&]() -> tensor * { return x->t.grad().defined() ? wrap(x->t.grad()) : nullptr; });
}
void t_clear_grad(tensor *x) {
    run("t_clear_grad", {x}, [&] { x->t.mutable_grad() = at::Tensor(); });
}

void t_set_grad(tensor *x, tensor *grad) {
    run("t_set_grad", {x, grad}, [&] { x->t.mutable_grad() = grad->t; });
}
void t_on_grad(tensor *x, void (*f)(void *ctx, size_t i), void *ctx, size_t i) {
    run("t_on_grad", {x}, [&] {
        torch::autograd::impl::set_post_acc_grad_hooks(
            x->t, f ? std::make_unique<OnGrad>(f, ctx, i) : nullptr);
    });
}

tensor *t_apply(const struct t_function *f, void *ctx, tensor *const *in, size_t n) {
    auto call = c10::make_intrusive<Call>(*f, ctx); // ctx is released even when nothing runs
    return make(f->name, {}, [&] {
        auto inputs = list(in, n);
        return Custom::apply(at::TensorList(inputs), call);
    });
}
