/* Mutants of files of weights; tests/fuzz/mutants_main.c runs more of them, under sanitizers.
 * OVSEG_MUTANTS=2000 asks for more here, too.
 *
 * ctest: timeout=600 */
#include "tests/fuzz/mutants.h"
#include "tests/torch.h"

#if defined(__SANITIZE_ADDRESS__) /* it keeps freed memory */
enum { MEMORY_MIB = 1 << 20 };
#else
enum { MEMORY_MIB = 256 };
#endif

static void check_kind(const char *name) {
    const char *n = getenv("OVSEG_MUTANTS");
    struct mutants_run run = {.seed = 1,
                              .n = n ? strtoull(n, NULL, 10) : 300,
                              .dir = test_dir(),
                              .cpu_max = 1,
                              .memory_max = (size_t)MEMORY_MIB << 20};
    for (size_t i = 0; i < n_mutant_kinds; i++)
        if (strcmp(mutant_kinds[i].name, name) == 0) run.kind = &mutant_kinds[i];
    CHECK(run.kind);
    CHECK(mutants(&run));
    CHECK(run.refused > run.n / 10);
    CHECK_INT(run.refused + run.equal + run.other, run.n);
}

TEST(mutants_of_archives_are_refused_or_load_bit_equal) { check_kind("archive"); }
TEST(mutants_of_scripts_are_refused_or_load_bit_equal) { check_kind("script"); }
TEST(mutants_of_streams_are_refused_or_load_within_bounds) { check_kind("stream"); }
TEST(mutants_of_pickles_are_refused_or_load_within_bounds) { check_kind("pickle"); }
TEST(mutants_of_safetensors_are_refused_or_load_within_bounds) { check_kind("safetensors"); }
TEST(mutants_of_hugging_faces_folders_are_refused_or_load_within_bounds) { check_kind("hf"); }
TEST(mutants_of_hugging_faces_weights_are_refused_or_load_within_bounds) {
    check_kind("hf_weights");
}
TEST(mutants_of_open_clips_folders_are_refused_or_load_within_bounds) { check_kind("open_clip"); }
