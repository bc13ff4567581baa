/* What the doctor reads, and that it finds this machine fit. */
#include "tests/torch.h"
#include "train/doctor/doctor.h"

TEST(libraries_are_read_from_the_map_of_a_process_each_once) {
    struct strings files = {0};
    doctor_mapped(
        "7f-80 r--p 0 fe:00 5   /usr/lib/libyaml-0.so.2.0.9\n"
        "80-81 r-xp 0 fe:00 5   /usr/lib/libyaml-0.so.2.0.9\n"
        "81-82 rw-p 0 00:00 0   [heap]\n"
        "82-83 r--p 0 fe:00 6   /opt/my torch/lib/libgomp.so.1 (deleted)\n"
        "83-84 r--p 0 fe:00 6   /opt/my torch/lib/libgomp.so.1.0.0",
        &files);
    CHECK_INT(files.n, 2);
    CHECK_TEXT(files.at[0], "/opt/my torch/lib/libgomp.so.1.0.0");
    CHECK_TEXT(files.at[1], "/usr/lib/libyaml-0.so.2.0.9");
    strings_free(&files);
}

static const struct finding *find(const struct findings *f, const char *name) {
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->at[i].name, name) == 0) return &f->at[i];
    test_fail(__FILE__, __LINE__, "no finding %s", name);
}

TEST(gradients_and_files_of_tensors_are_right_here) {
    struct findings f = {0};
    doctor_selftest(&f);
    CHECK_INT(find(&f, "gradients")->level, FINDING_OK);
    CHECK_INT(find(&f, "files of tensors")->level, FINDING_OK);
    findings_free(&f);
}

TEST(a_folder_that_cannot_be_written_is_bad_and_says_what_to_do) {
    struct findings f = {0};
    doctor_disks(&f, "/proc/runs");
    const struct finding *runs = NULL;
    for (size_t i = 0; i < f.n; i++)
        if (strcmp(f.at[i].name, "runs") == 0 && f.at[i].level == FINDING_BAD) runs = &f.at[i];
    CHECK(runs);
    CHECK_HAS(runs->text, "/proc");
    CHECK(runs->remedy);
    findings_free(&f);
}

TEST(one_openmp_runtime_and_libtorch_are_found) {
    struct findings f = {0};
    doctor_libraries(&f);
    CHECK_INT(find(&f, "OpenMP")->level, FINDING_OK);
    CHECK_HAS(find(&f, "libtorch")->text, "2.");
    findings_free(&f);
}

TEST(libraries_have_the_versions_that_their_makers_give_them) {
    struct findings f = {0};
    doctor_libraries(&f);
    CHECK(strncmp(find(&f, "libpng")->text, "1.", 2) == 0); /* in libpng16.so.16.39.0, say */
    CHECK_HAS(find(&f, "libpng")->text, " (libpng16.so.16");
    CHECK(strncmp(find(&f, "libjpeg-turbo")->text, "0.", 2) != 0);
#ifdef OVSEG_MICROHTTPD
    CHECK_HAS(find(&f, "libmicrohttpd")->text, " (libmicrohttpd.so.");
    CHECK(strncmp(find(&f, "libmicrohttpd")->text, "12.", 3) != 0);
#endif
    findings_free(&f);
}
