/* For tests that use tensors: each runs in a scope of its own, seeded, on one thread, and fails
 * when it leaves a handle behind. */
#pragma once

#include "nn/torch/tensor.h"
#include "tests/test.h"

/* The pending tensor error must mention `text`; consumes it. */
#define CHECK_TENSOR_ERROR(text)                                                                   \
    do {                                                                                           \
        if (!error_status() || !strstr(error_message(), text))                                     \
            test_fail(__FILE__, __LINE__, "expected an error about \"%s\", got \"%s\"", text,      \
                      error_message());                                                            \
        error_clear();                                                                             \
    } while (0)

/* Largest |a - b|, in double; NaN when the shapes differ. */
double test_max_diff(tensor *a, tensor *b);

/* RMS of a - b over RMS of b, the measure of the parity bar (DESIGN section 6). */
double test_rel_rms(tensor *a, tensor *b);

bool test_equal_bits(tensor *a, tensor *b);

#define CHECK_CLOSE(a, b, tol)                                                                     \
    do {                                                                                           \
        double d_ = test_rel_rms(a, b), t_ = (tol);                                                \
        if (!(d_ <= t_))                                                                           \
            test_fail(__FILE__, __LINE__, "%s differs from %s by %.3g of its RMS, allowed %g", #a, \
                      #b, d_, t_);                                                                 \
    } while (0)
