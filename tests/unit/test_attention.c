#include "nn/attention.h"

#include "tests/torch.h"

enum { B = 2, Q = 5, K = 7, C = 12, H = 3, D = C / H };

static struct attention small(struct params *p) {
    struct attention a;
    attention_init(&a, params_root(p), C, H);
    t_copy_(a.in_bias, t_randn(SHAPE(3 * C), 0.5));
    t_copy_(a.out.bias, t_randn(SHAPE(C), 0.5));
    return a;
}

/* One head at a time, one product at a time. */
static tensor *by_hand(const struct attention *a, tensor *q, tensor *k, tensor *v, tensor *mask) {
    tensor *heads[H], *in[3] = {q, k, v}, *part[3];
    for (int h = 0; h < H; h++) {
        for (int i = 0; i < 3; i++) {
            tensor *w = t_narrow(a->in_weight, 0, i * C + h * D, D);
            part[i] = t_linear(in[i], w, t_narrow(a->in_bias, 0, i * C + h * D, D));
        }
        tensor *s = t_scale(t_matmul(part[0], t_transpose(part[1], 1, 2)), 1 / sqrt(D));
        if (mask) s = t_add(s, mask);
        heads[h] = t_matmul(t_softmax(s, -1), part[2]);
    }
    return linear(&a->out, t_cat(heads, H, -1));
}

TEST(attention_equals_the_sum_over_heads_for_any_sharing_of_its_inputs) {
    struct params p = {0};
    struct attention a = small(&p);
    tensor *x = t_randn(SHAPE(B, K, C), 1), *y = t_randn(SHAPE(B, K, C), 1);
    tensor *z = t_randn(SHAPE(B, Q, C), 1);
    tensor *inputs[][3] = {{x, x, x}, {x, x, y}, {z, x, x}, {z, x, y}};
    for (int i = 0; i < 4; i++)
        for (int plain = 0; plain < 2; plain++) {
            struct attention_args args = {.plain = plain};
            tensor **in = inputs[i];
            CHECK_CLOSE(attention(&a, in[0], in[1], in[2], args),
                        by_hand(&a, in[0], in[1], in[2], NULL), 1e-6);
        }
    params_free(&p);
}

TEST(a_mask_is_added_to_the_scores_and_causal_is_one_of_them) {
    struct params p = {0};
    struct attention a = small(&p);
    tensor *x = t_randn(SHAPE(B, K, C), 1), *z = t_randn(SHAPE(B, Q, C), 1);
    tensor *mask = t_randn(SHAPE(Q, K), 3);
    tensor *upper = t_triu(t_full(SHAPE(K, K), -INFINITY, T_F32), 1);
    for (int plain = 0; plain < 2; plain++) {
        tensor *y = attention(&a, z, x, x, (struct attention_args){.mask = mask, .plain = plain});
        CHECK_CLOSE(y, by_hand(&a, z, x, x, mask), 1e-6);
        y = attention(&a, x, x, x, (struct attention_args){.causal = true, .plain = plain});
        CHECK_CLOSE(y, by_hand(&a, x, x, x, upper), 1e-6);
    }
    params_free(&p);
}

TEST(dropout_acts_while_training_only) {
    struct params p = {0};
    struct attention a = small(&p);
    tensor *x = t_randn(SHAPE(B, K, C), 1);
    struct attention_args args = {.dropout = 0.5};
    tensor *want = attention(&a, x, x, x, (struct attention_args){0});
    CHECK_CLOSE(attention(&a, x, x, x, args), want, 1e-6);
    int scope = t_scope_open("training", T_TRAIN);
    CHECK(test_rel_rms(attention(&a, x, x, x, args), want) > 0.05);
    t_scope_close(scope, NULL);
    params_free(&p);
}
