#include "optim/adamw.h"
#include "optim/schedule.h"
#include "tests/torch.h"

/* Golden V6 and V6b of the reference; printed there with seven digits. */
TEST(the_poly_schedule_equals_the_reference) {
    struct schedule s = {SCHEDULE_POLY, 6e-5, 0.9, 1e-6, 1500, 120000};
    static const double golden[][2] = {
        {0, 6e-11},           {1, 4.005966e-08},    {750, 2.983123e-05},   {1499, 5.928548e-05},
        {1500, 5.932458e-05}, {60000, 3.21532e-05}, {119999, 1.610231e-09}};
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++)
        CHECK_NEAR(schedule_rate(&s, (int64_t)golden[i][0]) / golden[i][1], 1, 2e-7);
}

TEST(the_cosine_schedule_equals_the_reference) {
    struct schedule s = {.kind = SCHEDULE_COSINE, .base = 5e-6, .warmup = 100, .total = 17270};
    static const double golden[][2] = {{0, 5e-08},           {99, 5e-06},
                                       {100, 5e-06},         {3454, 4.543834e-06},
                                       {10362, 1.74488e-06}, {17269, 4.184747e-14}};
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) /* the last one cancels: 1e-6 */
        CHECK_NEAR(schedule_rate(&s, (int64_t)golden[i][0]) / golden[i][1], 1, 1e-6);
}

struct model {
    struct params params;
    tensor *weight, *bias, *frozen;
};

static void model_open(struct model *m) {
    *m = (struct model){0};
    struct path root = params_root(&m->params);
    m->weight = path_param(path_at(root, "net"), "weight", t_full(SHAPE(2, 2), 0.5, T_F32));
    m->bias = path_param(path_at(root, "net"), "bias", t_full(SHAPE(2), 0.5, T_F32));
    m->frozen = path_param(path_at(root, "text"), "weight", t_full(SHAPE(3), 0.5, T_F32));
}

static const struct group_rule rules[] = {{"text.*", 0, 0}, {"*bias", 1, 0}, {"net.*", 0.5, 0.1}};

TEST(a_parameter_that_no_rule_matches_is_named) {
    struct model m;
    struct groups g;
    model_open(&m);
    CHECK_ERROR(groups_open(&g, &m.params, rules, 2), ERR_CONFIG, "net.weight");
    groups_free(&g);
    params_free(&m.params);
}

TEST(groups_freeze_and_are_printed) {
    struct model m;
    struct groups g;
    struct str text = {0};
    model_open(&m);
    CHECK_OK(groups_open(&g, &m.params, rules, 3));
    CHECK_INT(g.n, 2);
    CHECK(!t_requires_grad(m.frozen) && t_requires_grad(m.bias));
    groups_print(&g, &text);
    CHECK_TEXT(text.at,
               "1 tensors, 4 numbers, rate x0.5, decay 0.1; "
               "1 tensors, 2 numbers, rate x1, decay 0; 3 numbers frozen");
    str_free(&text);
    groups_free(&g);
    params_free(&m.params);
}

/* One step moves a parameter by rate x sign(gradient) (bias-corrected moments), after decay. */
TEST(each_group_has_its_own_rate_and_decay) {
    struct model m;
    struct groups g;
    struct adamw o;
    model_open(&m);
    CHECK_OK(groups_open(&g, &m.params, rules, 3));
    adamw_open(&o, g, (struct adamw_options){0.9, 0.999, 1e-8});
    int scope = t_scope_open("step", T_INHERIT);
    t_backward(t_add(t_sum(m.weight), t_scale(t_sum(m.bias), 3)));
    adamw_step(&o, 0.1);
    t_scope_close(scope, NULL);
    CHECK_NEAR(t_item(t_select(m.bias, 0, 0)), 0.5 - 0.1, 1e-6);
    CHECK_NEAR(t_item(t_select(t_select(m.weight, 0, 0), 0, 1)), 0.5 * (1 - 0.05 * 0.1) - 0.05,
               1e-6);
    CHECK_NEAR(t_item(t_select(m.frozen, 0, 0)), 0.5, 0);
    CHECK(params_find(&o.state, "exp_avg_sq.net.weight") != NULL);
    adamw_free(&o);
    params_free(&m.params);
}

TEST(clipping_scales_all_gradients_by_one_factor) {
    struct model m;
    struct groups g;
    struct adamw o;
    model_open(&m);
    CHECK_OK(groups_open(&g, &m.params, rules, 3));
    adamw_open(&o, g, (struct adamw_options){0.9, 0.999, 1e-8});
    int scope = t_scope_open("step", T_INHERIT);
    t_backward(t_add(t_scale(t_sum(m.weight), 2), t_scale(t_sum(m.bias), 3)));
    double norm = sqrt(4 * 4 + 2 * 9);
    CHECK_NEAR(t_item(adamw_clip(&o, 0)), norm, 1e-6);
    CHECK_NEAR(t_item(t_select(t_grad(m.bias), 0, 0)), 3, 0);
    adamw_clip(&o, 0.5);
    CHECK_NEAR(t_item(t_select(t_grad(m.bias), 0, 0)), 3 * 0.5 / (norm + 1e-6), 1e-7);
    CHECK_NEAR(t_item(adamw_clip(&o, 100)), 0.5, 1e-6);
    CHECK_NEAR(t_item(t_select(t_grad(m.bias), 0, 0)), 3 * 0.5 / (norm + 1e-6), 1e-7);
    t_scope_close(scope, NULL);
    adamw_free(&o);
    params_free(&m.params);
}
