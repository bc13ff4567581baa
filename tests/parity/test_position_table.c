/* CLIP's table of positions at other grids against the reference's (reference-spec 3.5). */
#include "checkpoints/position_table.h"

#include "tests/formula.h"
#include "tests/golden_file.h"
#include "tests/torch.h"

enum { WIDTH = 32 };

/* Both sides sum 16 products in fp32, in another order. */
static const double TOLERANCE = 1e-6;

static void check_grid(int64_t g, int64_t h) {
    tensor *old = t_zeros(SHAPE(1 + g * g, WIDTH), T_F32);
    struct params p = {0};
    path_param(params_root(&p), "visual.positional_embedding", old);
    golden_fill(&p, 1, 0.02);
    float from[(1 + 14 * 14) * WIDTH], to[(1 + 16 * 16) * WIDTH];
    CHECK_OK(t_copy_out(p.at[0].t, from, (size_t)((1 + g * g) * WIDTH) * sizeof *from));
    position_table_resize(from, g, to, h, WIDTH);
    char name[32];
    snprintf(name, sizeof name, "pos_%d_to_%d", (int)g, (int)h);
    CHECK_CLOSE(t_from_data(to, SHAPE(1 + h * h, WIDTH), T_F32),
                golden_tensor("clip_posembed_resize", name), TOLERANCE);
    params_free(&p);
}

TEST(positions_of_other_grids_equal_the_reference) {
    check_grid(4, 7);
    check_grid(7, 4);
    check_grid(14, 16);
}
