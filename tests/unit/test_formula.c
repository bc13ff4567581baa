/* The formulas that stand for weight files, against the values their texts give. */
#include "tests/formula.h"

#include "tests/torch.h"

TEST(the_vectors_hash_has_the_values_of_its_specification) {
    CHECK_NEAR(vector_u(0, 0), -1, 0);
    CHECK_NEAR(vector_u(1, 0), -0.2237255, 1e-7);
    CHECK_NEAR(vector_u(0, 5), 0.1003967, 1e-7);
}

TEST(the_golden_generator_has_the_values_of_its_specification) {
    CHECK_NEAR(golden_u("", 0, 0), 0.5273890495300293, 0);
    CHECK_NEAR(golden_u("visual.conv1.weight", 1, 1), 0.4804612398147583, 0);
    CHECK_NEAR(golden_u("visual.conv1.weight", 0, 2), 0.07914459705352783, 0);
    CHECK_NEAR(golden_u("token_embedding.weight", 25296895, 1), 0.14244818687438965, 0);
}

TEST(golden_weights_have_the_values_of_their_specification) {
    static const struct {
        const char *name;
        struct shape s;
        double first, last, sum;
    } rows[] = {
        {"visual.conv1.weight", {4, {768, 3, 16, 16}}, -0.00364121795, -0.0408574268, 0.234583959},
        {"clip_adapter.clip_model.transformer.resblocks.3.attn.in_proj_weight",
         {2, {1536, 512}},
         0.0298676677,
         0.119485065,
         -91.7071333},
        {"clip_adapter.clip_model.text_projection",
         {2, {512, 512}},
         0.0203849748,
         0.0620222688,
         -12.9449081},
        {"clip_adapter.non_object_embedding", {2, {1, 512}}, 0.820152521, -0.25156796, -8.1865766},
        {"backbone.res4.7.conv2.norm.running_var", {1, {256}}, 1.09045589, 1.15444875, 280.50788},
        {"backbone.res5.2.conv3.norm.bias", {1, {2048}}, -2.00301766, -2.01353598, -4095.0422},
        {"sem_seg_head.predictor.mask_embed.layers.2.weight",
         {2, {256, 256}},
         -0.396843016,
         0.960440516,
         -47.8836277},
        {"logit_scale", {0, {0}}, 2.65926003, 2.65926003, 2.65926003},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct params p = {0};
        tensor *t = path_param(params_root(&p), rows[i].name, t_zeros(rows[i].s, T_F32));
        golden_fill(&p, 1, 0.02);
        tensor *flat = t_cast(t_reshape(t, SHAPE(-1)), T_F64);
        CHECK_NEAR(t_item(t_select(flat, 0, 0)), rows[i].first, 5e-9);
        CHECK_NEAR(t_item(t_select(flat, 0, t_numel(flat) - 1)), rows[i].last, 5e-9);
        CHECK_NEAR(t_item(t_sum(flat)), rows[i].sum, 1e-7 * fabs(rows[i].sum) + 1e-9);
        params_free(&p);
    }
}

TEST(a_rank_counts_the_names_below_the_prefix_and_the_extra_ones) {
    struct params p = {0};
    struct path a = path_at(params_root(&p), "net.a");
    path_param(params_root(&p), "aaa", t_zeros(SHAPE(2), T_F32));
    tensor *w = path_param(a, "weight", t_zeros(SHAPE(2), T_F32));
    path_param(a, "bias", t_zeros(SHAPE(2), T_F32));
    vector_fill(&p, "net", (const char *const[]){"a.counter", "z", NULL});
    CHECK_NEAR(t_item(t_select(w, 0, 1)), (float)(1 + 0.1 * vector_u(1, 2)), 0);
    params_free(&p);
}
