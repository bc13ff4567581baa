/* `ovseg init` into a folder that is there: what is replaced, removed, left alone or refused. */
/* ctest: timeout=300 */
#include "base/file.h"
#include "tests/own_folder.h"
#include "tests/test.h"
#include "train/commands/cmd.h"

TEST(a_second_call_changes_nothing_and_files_that_a_user_changed_are_not_touched) {
    own_pictures();
    own_captions_jsonl();
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    own_ended_free(&e);
    e = INIT(NULL);
    CHECK_INT(e.status, 0);
    own_ended_free(&e);
    own_text("out/finetune.yaml", "# mine\n");
    e = INIT("--seed", "2");
    CHECK_INT(e.status, 74);
    CHECK_HAS(e.err, "out/finetune.yaml: was changed since ovseg init wrote it");
    CHECK_HAS(e.err, "move these files away to have them made anew, or name another folder");
    own_has("out/finetune.yaml", "# mine");
    own_ended_free(&e);
    own_remove("out/finetune.yaml");
    e = INIT("--seed", "2");
    CHECK_INT(e.status, 0);
    own_has("out/finetune.yaml", "base: \"@own/finetune-1k.yaml\"");
    own_has("out/finetune.yaml", "  clip: \"@clip.yaml\""); /* wherever the program lies */
    own_ended_free(&e);
    own_remove("out");
    own_text("out/letter.txt", "not of ovseg");
    e = INIT(NULL);
    CHECK_INT(e.status, 74);
    CHECK_HAS(e.err, "is not empty and not of ovseg init: name a new folder");
    own_ended_free(&e);
}

TEST(the_chain_of_other_pictures_is_not_replaced_while_those_are_there) {
    own_pictures();
    own_captions_jsonl();
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    own_ended_free(&e);
    char *before = own_text_of("out/data.yaml"), *moved = own_path("moved");
    own_rename("images", "moved");
    own_picture_of("images/a.jpg", OWN_W, OWN_H, 1);
    e = INIT("--images", moved);
    CHECK_INT(e.status, 74);
    CHECK_HAS(e.err, "/out: is the chain of other pictures, those in ");
    CHECK_HAS(e.err, "/own/images: name another folder, or remove this one");
    own_ended_free(&e);
    own_has("out/data.yaml", before);
    own_remove("images");
    e = INIT("--images", moved);
    if (e.status) test_fail(__FILE__, __LINE__, "%d: %s", e.status, e.err);
    own_has("out/data.yaml", "/own/moved\"");
    own_ended_free(&e);
    free(before);
    free(moved);
}

TEST(what_a_second_call_no_longer_needs_goes_and_what_a_user_changed_is_told_of) {
    own_pictures();
    own_captions_jsonl();
    own_masks_index(OWN_PICTURES);
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out,
              "note       3 pictures with masks are validated on and in the table: one is "
              "about 33 % of a figure, and a difference of as much may be one picture; more masks");
    own_ended_free(&e);
    own_has("out/README.md", "How much to believe: 3 pictures with masks are validated on and");
    own_has("out/masks.yaml", "stage: proposals");
    own_has("out/masks.yaml", "base: \"@own/proposals-50-500.yaml\"");
    own_has("out/mine.yaml", "  proposals: masks.yaml");
    own_has("out/README.md", "| `masks.yaml` |");
    own_has("out/README.md", "/out/mpt.yaml --blend    # models between");
    own_has("out/README.md", "/out.ovseg -o out --classes ");
    own_has("out/finetune.yaml", "validate: {set: val, every: 12, probe: drawn}");
    own_rename("masks", "away");
    e = INIT(NULL);
    CHECK_INT(e.status, 0);
    CHECK(!strstr(e.out, "of a figure")); /* nothing is judged by masks */
    own_ended_free(&e);
    own_has("out/mine.yaml", "  proposals: \"@proposals.yaml\"");
    own_has("out/eval.yaml", "  scenes: \"@scenes.yaml\"");
    char *masks = own_path("out/masks.yaml");
    CHECK(!file_exists(masks));
    own_has("out/finetune.yaml", "validate: {every: 12, probe: drawn}");
    own_rename("away", "masks");
    e = INIT(NULL);
    own_ended_free(&e);
    own_text("out/masks.yaml", "# mine\n");
    own_rename("masks", "away");
    e = INIT(NULL);
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out, "out/masks.yaml was changed since, and is left as it is");
    own_has("out/masks.yaml", "# mine");
    own_ended_free(&e);
    own_text("out/.written-by-ovseg-init", "ovseg init 1\n0000000000000000 ../images/p00.jpg\n");
    own_remove("out/masks.yaml");
    e = INIT("--seed", "1");
    own_ended_free(&e);
    char *picture = own_path("images/p00.jpg");
    CHECK(file_exists(picture)); /* whoever wrote that list */
    free(picture);
    free(masks);
}
