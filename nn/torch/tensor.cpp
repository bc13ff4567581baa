// Each function: check, call libtorch, wrap. No logic lives here.
#include "nn/torch/tensor.h"

#include <ATen/core/grad_mode.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/ScalarOps.h>
#include <torch/version.h>

#include <cmath>
#include <cstring>

#include "nn/torch/handle.hpp"

at::ScalarType dtype_of(enum t_dtype d) {
    static const at::ScalarType types[] = {at::kFloat, at::kDouble, at::kBFloat16, at::kHalf,
                                           at::kLong,  at::kInt,    at::kByte,     at::kBool};
    return types[d];
}

at::TensorOptions options(enum t_dtype d) {
    return at::TensorOptions(dtype_of(d)).device(device_now());
}

// clang-format off: one op, two lines

void t_set_threads(int n) { at::set_num_threads(n); }
int t_threads(void) { return at::get_num_threads(); }
void t_seed(uint64_t seed) { at::manual_seed(seed); }
tensor *t_draws(void) {
    return make("t_draws", {}, [&] {
        auto g = at::globalContext().defaultGenerator(device_now());
        std::lock_guard<std::mutex> lock(g.mutex());
        return g.get_state();
    });
}
void t_set_draws(tensor *state) {
    run("t_set_draws", {state}, [&] {
        auto g = at::globalContext().defaultGenerator(device_now());
        std::lock_guard<std::mutex> lock(g.mutex());
        g.set_state(state->t);
    });
}
const char *t_version(void) { return TORCH_VERSION; }

// Making tensors.

tensor *t_empty(struct shape s, enum t_dtype d) {
    return make("t_empty", {}, [&] { return at::empty(dims(s), options(d)); });
}
tensor *t_zeros(struct shape s, enum t_dtype d) {
    return make("t_zeros", {}, [&] { return at::zeros(dims(s), options(d)); });
}
tensor *t_ones(struct shape s, enum t_dtype d) {
    return make("t_ones", {}, [&] { return at::ones(dims(s), options(d)); });
}
tensor *t_full(struct shape s, double v, enum t_dtype d) {
    return make("t_full", {}, [&] { return at::full(dims(s), v, options(d)); });
}
tensor *t_arange(int64_t n, enum t_dtype d) {
    return make("t_arange", {}, [&] { return at::arange(n, options(d)); });
}
tensor *t_randn(struct shape s, double std) {
    return make("t_randn", {}, [&] {
        auto x = at::empty(dims(s), options(T_F32).device(host_now()));
        return (undrawn_now() ? x : x.normal_().mul_(std)).to(device_now());
    });
}
tensor *t_uniform(struct shape s, double lo, double hi) {
    return make("t_uniform", {}, [&] {
        auto x = at::empty(dims(s), options(T_F32).device(host_now()));
        return (undrawn_now() ? x : x.uniform_(lo, hi)).to(device_now());
    });
}
tensor *t_from_data(const void *p, struct shape s, enum t_dtype d) {
    return make("t_from_data", {}, [&] {
        return at::from_blob(const_cast<void *>(p), dims(s), at::TensorOptions(dtype_of(d)))
            .to(options(d), false, true);
    });
}
tensor *t_over(void *data, struct shape s, enum t_dtype d, void (*let_go)(void *), void *ctx) {
    return make("t_over", {}, [&] {
        return at::from_blob(
            data, dims(s), [=](void *) { let_go(ctx); }, at::TensorOptions(dtype_of(d)));
    });
}
tensor *t_zeros_like(tensor *x) {
    return make("t_zeros_like", {x}, [&] { return at::zeros_like(x->t); });
}
tensor *t_clone(tensor *x) {
    return make("t_clone", {x}, [&] { return x->t.clone(); });
}
tensor *t_detach(tensor *x) {
    return make("t_detach", {x}, [&] { return x->t.detach(); });
}
tensor *t_cast(tensor *x, enum t_dtype d) {
    return make("t_cast", {x}, [&] { return x->t.to(dtype_of(d)); });
}
tensor *t_contiguous(tensor *x) {
    return make("t_contiguous", {x}, [&] { return x->t.contiguous(); });
}
tensor *t_channels_last(tensor *x) {
    return make("t_channels_last", {x},
                [&] { return x->t.contiguous(at::MemoryFormat::ChannelsLast); });
}

// Looking at tensors.

int t_dim(tensor *x) {
    return guard(
        "t_dim", {x}, [&] { return int(x->t.dim()); }, 1);
}
int64_t t_size(tensor *x, int d) {
    return guard(
        "t_size", {x}, [&] { return x->t.size(d); }, int64_t(1));
}
int64_t t_numel(tensor *x) {
    return guard(
        "t_numel", {x}, [&] { return x->t.numel(); }, int64_t(1));
}
struct shape t_shape(tensor *x) {
    return guard("t_shape", {x}, [&] {
        TORCH_CHECK(x->t.dim() <= 8, "more than 8 axes");
        struct shape s = {int(x->t.dim()), {0}};
        for (int i = 0; i < s.n; i++) s.d[i] = x->t.size(i);
        return s;
    });
}
enum t_dtype t_dtype(tensor *x) {
    return guard("t_dtype", {x}, [&] {
        for (int d = T_F32; d <= T_BOOL; d++)
            if (dtype_of((enum t_dtype)d) == x->t.scalar_type()) return (enum t_dtype)d;
        TORCH_CHECK(false, "a type this program does not use");
    });
}
double t_item(tensor *x) {
    return guard(
        "t_item", {x}, [&] { return x->t.item<double>(); }, double(NAN));
}
int t_copy_out(tensor *x, void *dst, size_t bytes) {
    run("t_copy_out", {x}, [&] {
        auto c = x->t.detach().cpu().contiguous();
        TORCH_CHECK(c.nbytes() == bytes, "holds ", c.nbytes(), " bytes, the buffer ", bytes);
        if (bytes) memcpy(dst, c.const_data_ptr(), bytes);
    });
    return error_status();
}
void *t_data(tensor *x) {
    return guard("t_data", {x}, [&] {
        TORCH_CHECK(x->t.is_non_overlapping_and_dense(), "there are gaps between its elements");
        return x->t.data_ptr();
    });
}
tensor *t_part_like(tensor *flat, int64_t at, tensor *like) {
    return make("t_part_like", {flat, like}, [&] {
        TORCH_CHECK(like->t.is_non_overlapping_and_dense(), "there are gaps between the elements");
        TORCH_CHECK(at >= 0 && at + like->t.numel() <= flat->t.numel(), "no room at ", at);
        return flat->t.as_strided(like->t.sizes(), like->t.strides(),
                                  flat->t.storage_offset() + at);
    });
}

// Element by element.

tensor *t_add(tensor *a, tensor *b) {
    return make("t_add", {a, b}, [&] { return a->t + b->t; });
}
tensor *t_sub(tensor *a, tensor *b) {
    return make("t_sub", {a, b}, [&] { return a->t - b->t; });
}
tensor *t_mul(tensor *a, tensor *b) {
    return make("t_mul", {a, b}, [&] { return a->t * b->t; });
}
tensor *t_div(tensor *a, tensor *b) {
    return make("t_div", {a, b}, [&] { return a->t / b->t; });
}
tensor *t_scale(tensor *x, double s) {
    return make("t_scale", {x}, [&] { return x->t * s; });
}
tensor *t_shift(tensor *x, double s) {
    return make("t_shift", {x}, [&] { return x->t + s; });
}
tensor *t_pow(tensor *x, double e) {
    return make("t_pow", {x}, [&] { return x->t.pow(e); });
}
tensor *t_neg(tensor *x) {
    return make("t_neg", {x}, [&] { return x->t.neg(); });
}
tensor *t_exp(tensor *x) {
    return make("t_exp", {x}, [&] { return x->t.exp(); });
}
tensor *t_log(tensor *x) {
    return make("t_log", {x}, [&] { return x->t.log(); });
}
tensor *t_sqrt(tensor *x) {
    return make("t_sqrt", {x}, [&] { return x->t.sqrt(); });
}
tensor *t_rsqrt(tensor *x) {
    return make("t_rsqrt", {x}, [&] { return x->t.rsqrt(); });
}
tensor *t_abs(tensor *x) {
    return make("t_abs", {x}, [&] { return x->t.abs(); });
}
tensor *t_sin(tensor *x) {
    return make("t_sin", {x}, [&] { return x->t.sin(); });
}
tensor *t_cos(tensor *x) {
    return make("t_cos", {x}, [&] { return x->t.cos(); });
}
tensor *t_relu(tensor *x) {
    return make("t_relu", {x}, [&] { return at::relu(x->t); });
}
tensor *t_gelu(tensor *x) {
    return make("t_gelu", {x}, [&] { return at::gelu(x->t); });
}
tensor *t_silu(tensor *x) {
    return make("t_silu", {x}, [&] { return at::silu(x->t); });
}
tensor *t_sigmoid(tensor *x) {
    return make("t_sigmoid", {x}, [&] { return at::sigmoid(x->t); });
}
tensor *t_log_sigmoid(tensor *x) {
    return make("t_log_sigmoid", {x}, [&] { return at::log_sigmoid(x->t); });
}
tensor *t_softplus(tensor *x) {
    return make("t_softplus", {x}, [&] { return at::softplus(x->t); });
}
tensor *t_clamp(tensor *x, double lo, double hi) {
    return make("t_clamp", {x}, [&] { return at::clamp(x->t, lo, hi); });
}
tensor *t_maximum(tensor *a, tensor *b) {
    return make("t_maximum", {a, b}, [&] { return at::maximum(a->t, b->t); });
}
tensor *t_gt(tensor *x, double s) {
    return make("t_gt", {x}, [&] { return x->t > s; });
}
tensor *t_lt(tensor *x, double s) {
    return make("t_lt", {x}, [&] { return x->t < s; });
}
tensor *t_eq(tensor *a, tensor *b) {
    return make("t_eq", {a, b}, [&] { return a->t == b->t; });
}
tensor *t_where(tensor *c, tensor *a, tensor *b) {
    return make("t_where", {c, a, b}, [&] { return at::where(c->t, a->t, b->t); });
}
tensor *t_isfinite_all(tensor *x) {
    return make("t_isfinite_all", {x}, [&] { return at::isfinite(x->t).all(); });
}
tensor *t_dropout(tensor *x, double p) {
    return make("t_dropout", {x}, [&] { return at::dropout(x->t, p, t_training()); });
}

// Reductions.

tensor *t_sum(tensor *x) {
    return make("t_sum", {x}, [&] { return x->t.sum(); });
}
tensor *t_mean(tensor *x) {
    return make("t_mean", {x}, [&] { return x->t.mean(); });
}
tensor *t_sum_dim(tensor *x, int d, bool keep) {
    return make("t_sum_dim", {x}, [&] { return x->t.sum(d, keep); });
}
tensor *t_mean_dim(tensor *x, int d, bool keep) {
    return make("t_mean_dim", {x}, [&] { return x->t.mean(d, keep); });
}
tensor *t_amax(tensor *x, int d, bool keep) {
    return make("t_amax", {x}, [&] { return x->t.amax(d, keep); });
}
tensor *t_argmax(tensor *x, int d) {
    return make("t_argmax", {x}, [&] { return x->t.argmax(d); });
}
tensor *t_logsumexp(tensor *x, int d, bool keep) {
    return make("t_logsumexp", {x}, [&] { return x->t.logsumexp(d, keep); });
}
tensor *t_softmax(tensor *x, int d) {
    return make("t_softmax", {x}, [&] { return at::softmax(x->t, d); });
}
tensor *t_log_softmax(tensor *x, int d) {
    return make("t_log_softmax", {x}, [&] { return at::log_softmax(x->t, d); });
}
tensor *t_norm(tensor *x, int d, bool keep) {
    return make("t_norm", {x}, [&] { return at::linalg_vector_norm(x->t, 2, d, keep); });
}
tensor *t_dot(tensor *a, tensor *b) {
    return make("t_dot", {a, b}, [&] { return at::dot(a->t, b->t); });
}

// Shapes.

tensor *t_reshape(tensor *x, struct shape s) {
    return make("t_reshape", {x}, [&] { return x->t.reshape(dims(s)); });
}
tensor *t_permute(tensor *x, struct shape o) {
    return make("t_permute", {x}, [&] { return x->t.permute(dims(o)); });
}
tensor *t_transpose(tensor *x, int a, int b) {
    return make("t_transpose", {x}, [&] { return x->t.transpose(a, b); });
}
tensor *t_expand(tensor *x, struct shape s) {
    return make("t_expand", {x}, [&] { return x->t.expand(dims(s)); });
}
tensor *t_unsqueeze(tensor *x, int d) {
    return make("t_unsqueeze", {x}, [&] { return x->t.unsqueeze(d); });
}
tensor *t_squeeze(tensor *x, int d) {
    return make("t_squeeze", {x}, [&] { return x->t.squeeze(d); });
}
tensor *t_select(tensor *x, int d, int64_t i) {
    return make("t_select", {x}, [&] { return x->t.select(d, i); });
}
tensor *t_narrow(tensor *x, int d, int64_t start, int64_t n) {
    return make("t_narrow", {x}, [&] { return x->t.narrow(d, start, n); });
}
tensor *t_cat(tensor *const *x, size_t n, int d) {
    return make("t_cat", {}, [&] { return at::cat(list(x, n), d); });
}
tensor *t_stack(tensor *const *x, size_t n, int d) {
    return make("t_stack", {}, [&] { return at::stack(list(x, n), d); });
}
tensor *t_flip(tensor *x, int d) {
    return make("t_flip", {x}, [&] { return x->t.flip(d); });
}
tensor *t_roll(tensor *x, int64_t shift, int d) {
    return make("t_roll", {x}, [&] { return x->t.roll(shift, d); });
}
tensor *t_pad(tensor *x, struct shape p, double v) {
    return make("t_pad", {x}, [&] { return at::constant_pad_nd(x->t, dims(p), v); });
}
tensor *t_tril(tensor *x, int64_t d) {
    return make("t_tril", {x}, [&] { return at::tril(x->t, d); });
}
tensor *t_triu(tensor *x, int64_t d) {
    return make("t_triu", {x}, [&] { return at::triu(x->t, d); });
}
tensor *t_index_select(tensor *x, int d, tensor *i) {
    return make("t_index_select", {x, i}, [&] { return x->t.index_select(d, i->t); });
}
tensor *t_gather(tensor *x, int d, tensor *i) {
    return make("t_gather", {x, i}, [&] { return x->t.gather(d, i->t); });
}

// Layers.

tensor *t_matmul(tensor *a, tensor *b) {
    return make("t_matmul", {a, b}, [&] { return at::matmul(a->t, b->t); });
}
tensor *t_linear(tensor *x, tensor *w, tensor *b) {
    return make("t_linear", {x, w}, [&] { return at::linear(x->t, w->t, opt(b)); });
}
tensor *t_embedding(tensor *w, tensor *ids) {
    return make("t_embedding", {w, ids}, [&] { return at::embedding(w->t, ids->t); });
}
tensor *t_layer_norm(tensor *x, tensor *w, tensor *b, double eps) {
    return make("t_layer_norm", {x, w, b},
                [&] { return at::layer_norm(x->t, w->t.sizes(), w->t, b->t, eps); });
}
tensor *t_group_norm(tensor *x, int64_t groups, tensor *w, tensor *b, double eps) {
    return make("t_group_norm", {x, w, b},
                [&] { return at::group_norm(x->t, groups, w->t, b->t, eps); });
}
tensor *t_batch_norm(tensor *x, tensor *w, tensor *b, tensor *mean, tensor *var, double momentum,
                     double eps) {
    return make("t_batch_norm", {x, w, b, mean, var}, [&] {
        return at::batch_norm(x->t, w->t, b->t, mean->t, var->t, t_training(), momentum, eps,
                              false);
    });
}
tensor *t_attention(tensor *q, tensor *k, tensor *v, tensor *mask, bool causal, double scale) {
    return make("t_attention", {q, k, v}, [&] {
        auto m = mask ? std::make_optional(mask->t) : std::nullopt; // an undefined one is refused
        return at::scaled_dot_product_attention(q->t, k->t, v->t, m, 0.0, causal, scale);
    });
}
tensor *t_conv2d(tensor *x, tensor *w, tensor *b, struct conv c) {
    return make("t_conv2d", {x, w}, [&] {
        return at::conv2d(x->t, w->t, opt(b), c.stride, c.padding, c.dilation, c.groups);
    });
}
tensor *t_max_pool2d(tensor *x, int64_t k, int64_t s, int64_t p) {
    return make("t_max_pool2d", {x}, [&] { return at::max_pool2d(x->t, k, s, p); });
}
tensor *t_avg_pool2d(tensor *x, int64_t k, int64_t s) {
    return make("t_avg_pool2d", {x}, [&] { return at::avg_pool2d(x->t, k, s); });
}
tensor *t_resize_nearest(tensor *x, int64_t h, int64_t w) {
    return make("t_resize_nearest", {x}, [&] { return at::upsample_nearest2d(x->t, {h, w}); });
}
tensor *t_resize_bilinear(tensor *x, int64_t h, int64_t w) {
    return make("t_resize_bilinear", {x}, [&] {
        return at::upsample_bilinear2d(x->t, {h, w}, false);
    });
}
tensor *t_resize_bicubic(tensor *x, int64_t h, int64_t w) {
    return make("t_resize_bicubic", {x}, [&] {
        return at::upsample_bicubic2d(x->t, {h, w}, false);
    });
}

// Losses.

tensor *t_cross_entropy(tensor *x, tensor *y, tensor *w, enum t_reduce r, int64_t ignore) {
    return make("t_cross_entropy", {x, y},
                [&] { return at::cross_entropy_loss(x->t, y->t, opt(w), int64_t(r), ignore); });
}
tensor *t_bce_logits(tensor *x, tensor *y) {
    return make("t_bce_logits", {x, y}, [&] {
        return at::binary_cross_entropy_with_logits(x->t, y->t, {}, {}, at::Reduction::None);
    });
}

// In place, outside autograd.

#define IN_PLACE(name, args, ...)                                                                  \
    run(name, args, [&] {                                                                          \
        at::NoGradGuard off;                                                                       \
        __VA_ARGS__;                                                                               \
    })
#define A(...) (Args{__VA_ARGS__})

void t_zero_(tensor *x) { IN_PLACE("t_zero_", A(x), x->t.zero_()); }
void t_fill_(tensor *x, double v) { IN_PLACE("t_fill_", A(x), x->t.fill_(v)); }
void t_copy_(tensor *x, tensor *y) { IN_PLACE("t_copy_", A(x, y), x->t.copy_(y->t)); }
void t_scale_(tensor *x, double s) { // mul_ of a number rounds it to x's type first, unlike mul
    IN_PLACE("t_scale_", A(x), x->t.mul_(at::native::wrapped_scalar_tensor(s)));
}
void t_add_(tensor *x, tensor *y, double s) { IN_PLACE("t_add_", A(x, y), x->t.add_(y->t, s)); }
void t_clamp_(tensor *x, double lo, double hi) { IN_PLACE("t_clamp_", A(x), x->t.clamp_(lo, hi)); }

tensor *t_total_norm(tensor *const *x, size_t n) {
    return make("t_total_norm", {}, [&] {
        at::NoGradGuard off;
        return at::linalg_vector_norm(at::stack(at::_foreach_norm(list(x, n))));
    });
}
void t_scale_all_(tensor *const *x, size_t n, tensor *s) {
    IN_PLACE("t_scale_all_", A(s), at::_foreach_mul_(list(x, n), s->t));
}
void t_adamw_(tensor *const *x, tensor *const *grad, tensor *const *m, tensor *const *v,
              tensor *const *steps, size_t n, struct adamw_args a) {
    IN_PLACE("t_adamw_", A(), auto counts = list(steps, n); at::_foreach_add_(counts, 1);
             at::_fused_adamw_(list(x, n), list(grad, n), list(m, n), list(v, n), {}, counts, a.lr,
                               a.beta1, a.beta2, a.weight_decay, a.eps, false, false));
}
