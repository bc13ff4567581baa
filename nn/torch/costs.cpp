// Counting FLOP, calls and memory by libtorch's observer and memory-reporting hooks.

// Without it at::RecordFunction has a member that the library, built for release, does not have.
#ifndef NDEBUG
#define NDEBUG
#endif

#include "nn/torch/costs.h"

#include <ATen/record_function.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <cstring>

#include "nn/torch/handle.hpp"

namespace {

using Values = c10::ArrayRef<const c10::IValue>;

const at::Tensor &tensor_at(Values in, size_t i) { return in[i].toTensor(); }

int64_t product(Values in, size_t a, size_t b) { // [..., m, k] times [..., k, n]
    return 2 * tensor_at(in, a).numel() * tensor_at(in, b).size(-1);
}

// Entry i of a list that may hold one number for all axes.
int64_t axis(const c10::IValue &v, size_t i) {
    auto all = v.toDimVector();
    return all[all.size() == 1 ? 0 : i];
}

// What convolution(input, weight, bias, stride, padding, dilation, ...) will make.
int64_t convolution_forward(Values in) {
    const at::Tensor &x = tensor_at(in, 0), &w = tensor_at(in, 1);
    int64_t pixels = x.size(0);
    for (int64_t i = 0; i + 2 < x.dim(); i++) {
        int64_t reach = axis(in[5], i) * (w.size(i + 2) - 1) + 1;
        pixels *= (x.size(i + 2) + 2 * axis(in[4], i) - reach) / axis(in[3], i) + 1;
    }
    return 2 * pixels * w.numel();
}

// convolution_backward(gradient, input, weight, ..., which of the three gradients).
int64_t convolution_backward(Values in) {
    auto wanted = in[10].toBoolList();
    const at::Tensor &y = tensor_at(in, 0), &w = tensor_at(in, 2);
    int64_t forward = 2 * y.numel() / w.size(0) * w.numel();
    return forward * (wanted.get(0) + wanted.get(1));
}

int64_t attention(Values in, size_t q, int products) { // [B, H, L, D] each
    return 2 * products * tensor_at(in, q).numel() * tensor_at(in, q + 1).size(2);
}

int64_t flop_of(const char *op, Values in) {
    auto is = [op](const char *name) { return std::strcmp(op, name) == 0; };
    if (is("aten::mm") || is("aten::bmm")) return product(in, 0, 1);
    if (is("aten::addmm") || is("aten::baddbmm")) return product(in, 1, 2);
    if (is("aten::convolution")) return convolution_forward(in);
    if (is("aten::convolution_backward")) return convolution_backward(in);
    if (is("aten::_scaled_dot_product_flash_attention_for_cpu")) return attention(in, 0, 2);
    // q k^T once more, and the gradients of both products
    if (is("aten::_scaled_dot_product_flash_attention_for_cpu_backward"))
        return attention(in, 1, 5);
    return 0;
}

struct Counter : c10::MemoryReportingInfoBase {
    struct t_costs sum = {};
    int64_t now = 0;
    int depth = 0;
    at::CallbackHandle callback = 0;
    std::unique_ptr<c10::DebugInfoGuard> guard;

    void reportMemoryUsage(void *, int64_t size, size_t, size_t, c10::Device) override {
        now += size;
        sum.peak = std::max(sum.peak, now);
        if (size <= 0) return;
        sum.blocks++;
        sum.bytes += size;
    }
    bool memoryProfilingEnabled() const override { return true; }
};

thread_local std::shared_ptr<Counter> counter;

std::unique_ptr<at::ObserverContext> enter(const at::RecordFunction &f) {
    if (counter->depth++ == 0) counter->sum.calls++;
    counter->sum.flop += flop_of(f.name(), f.inputs());
    return nullptr;
}

void leave(const at::RecordFunction &, at::ObserverContext *) { counter->depth--; }

} // namespace

void t_costs_begin(void) {
    REQUIRE(!counter, "costs are being counted already");
    counter = std::make_shared<Counter>();
    counter->guard =
        std::make_unique<c10::DebugInfoGuard>(c10::DebugInfoKind::PROFILER_STATE, counter);
    counter->callback = at::addThreadLocalCallback(
        at::RecordFunctionCallback(enter, leave)
            .needsInputs(true)
            .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}));
}

struct t_costs t_costs_end(void) {
    REQUIRE(counter, "costs are not being counted");
    at::removeCallback(counter->callback);
    counter->guard.reset();
    struct t_costs sum = counter->sum;
    counter.reset();
    return sum;
}
