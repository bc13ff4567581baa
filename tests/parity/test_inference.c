/* Whole models of the reference's on photographs: every tensor between the picture and the label
 * map (the goldens lie beside the photographs, outside the repository).
 *
 * ctest: timeout=600
 */
#include "base/file.h"
#include "tests/parity/infer.h"
#include "tests/torch.h"

static void replay(const char *name) {
    char *data = test_coco_mini(".."), *path = mem_format("%s/../golden/%s.json", data, name);
    struct report r;
    CHECK_OK(infer_replay(path, data, &r));
    fputs(r.text.at, stdout);
    if (r.failed || !r.compared)
        test_fail(__FILE__, __LINE__, "%s: %d of %d differ\n%s", name, r.failed, r.compared,
                  r.text.at);
    report_free(&r);
    free(path);
    free(data);
}

TEST(resnet50_with_vit_b32_is_the_references_from_picture_to_labels) {
    replay("opt_r50_vitb32_seed5");
}

TEST(clip_alone_decides_where_lambda_is_one) { replay("opt_r50_vitb32_seed5_lambda1"); }

TEST(the_released_r101c_model_is_the_references_from_picture_to_labels) {
    replay("ovseg_r101c_vitb_seed1");
}
