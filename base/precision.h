/* What the matrix products and convolutions of models are made in. Weights, norms, softmax, losses
 * and updates are float32 whatever it is. */
#pragma once

enum precision {
    PRECISION_FP32,
    PRECISION_TF32, /* float32 whose factors are rounded to 10 bits; on GPUs alone */
    PRECISION_BF16,
    PRECISION_FP16, /* with a scaler of the loss, optim/scaler.h; on GPUs alone */
    PRECISION_RUN,  /* of a part: as the run around it */
};

extern const char *const precision_names[];      /* all but the last; ends with NULL */
extern const char *const part_precision_names[]; /* all; ends with NULL */
