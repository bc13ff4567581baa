/* Whole models of the reference's on photographs: every tensor between the picture and the label
 * map (the goldens lie beside the photographs, outside the repository).
 *
 * ctest: timeout=600
 */
#include <string.h>

#include "base/file.h"
#include "tests/parity/infer.h"
#include "tests/torch.h"

static void replay(const char *name) {
    char *data = test_coco_mini(".."), *path = mem_format("%s/../golden/%s.json", data, name);
    struct verdicts r;
    CHECK_OK(infer_replay(path, data, &r));
    fputs(r.text.at, stdout);
    if (r.failed || !r.compared)
        test_fail(__FILE__, __LINE__, "%s: %d of %d differ\n%s", name, r.failed, r.compared,
                  r.text.at);
    verdicts_free(&r);
    free(path);
    free(data);
}

TEST(resnet50_with_vit_b32_is_the_references_from_picture_to_labels) {
    replay("opt_r50_vitb32_seed5");
}

TEST(clip_alone_decides_where_lambda_is_one) { replay("opt_r50_vitb32_seed5_lambda1"); }

/* ctest, next: labels=slow */
TEST(the_released_r101c_model_is_the_references_from_picture_to_labels) {
    replay("ovseg_r101c_vitb_seed1");
}

TEST(a_clip_can_do_without_its_prompts) { replay("opt_r50_vitb32_seed5_nopromptfwd"); }

/* ctest, next: labels=slow */
TEST(views_of_several_sizes_and_mirrored_are_averaged) { replay("opt_r50_vitb32_seed5_tta"); }

/* The masks are hard there: a pixel at the threshold falls on either side of it by rounding, is in
 * or out with its whole score, and may make a patch of a crop foreground. The golden counts 894
 * pixels of masks within 1e-4 of the threshold: not more labels may differ. All before the crops is
 * held to the usual bar. */
/* ctest, next: labels=slow */
TEST(the_demonstration_takes_one_proposal_a_name) {
    enum { AT_THE_THRESHOLD = 894 };
    static const char *const decided[] = {"sem_seg", "labels that"};
    char *data = test_coco_mini(".."),
         *path = mem_format("%s/../golden/ovseg_demo_r101c_vitb_seed1.json", data);
    struct verdicts r;
    CHECK_OK(infer_replay(path, data, &r));
    fputs(r.text.at, stdout);
    int allowed = 0;
    for (const char *line = strtok(r.text.at, "\n"); line; line = strtok(NULL, "\n"))
        for (size_t i = 0; i < sizeof decided / sizeof *decided; i++)
            if (strncmp(line, decided[i], strlen(decided[i])) == 0) {
                allowed += strstr(line, "DIFFERS") != NULL;
                if (i == 1)
                    CHECK(strtod(line + strcspn(line, "0123456789"), NULL) <= AT_THE_THRESHOLD);
            }
    CHECK(r.compared == 23 && r.failed <= allowed);
    verdicts_free(&r);
    free(path);
    free(data);
}
