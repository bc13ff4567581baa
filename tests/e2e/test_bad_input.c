/* Files of the user that are not what they should be, by way of the stage that reads them first. */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

static void put(const char *name, const char *text) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, text, strlen(text)));
    free(path);
}

/* images/NAME: the first `keep` of 1000 parts of a photograph of 34 x 21. */
static void put_photo(const char *name, size_t keep) {
    char *from = test_source("tests/golden/images/photo.jpg"), *dir = test_path("images");
    char *to = path_join(dir, name);
    struct bytes b;
    CHECK_OK(dir_make(dir));
    CHECK_OK(file_read(from, 1 << 20, &b));
    CHECK_OK(file_write(to, b.at, b.n * keep / 1000));
    bytes_free(&b);
    free(from);
    free(dir);
    free(to);
}

static const char captions[] =
    "{\"images\":[{\"id\":1,\"file_name\":\"a.jpg\",\"height\":21,\"width\":34},"
    "{\"id\":2,\"file_name\":\"b.jpg\",\"height\":21,\"width\":34},"
    "{\"id\":3,\"file_name\":\"c.jpg\",\"height\":21,\"width\":34}],"
    "\"annotations\":[{\"id\":1,\"image_id\":1,\"caption\":\"a dog\"},"
    "{\"id\":2,\"image_id\":2,\"caption\":\"a cat\"},"
    "{\"id\":3,\"image_id\":3,\"caption\":\"a cow\"}]}";

/* With one annotation of this category; there is category 7 alone. */
static char *instances(int category) {
    return mem_format(
        "{\"images\":[{\"id\":1,\"file_name\":\"a.jpg\",\"height\":21,\"width\":34}],"
        "\"annotations\":[{\"id\":1,\"image_id\":1,\"category_id\":%d,\"iscrowd\":0,"
        "\"area\":100,\"bbox\":[2,2,10,10],"
        "\"segmentation\":[[2,2,12,2,12,12,2,12]]}],"
        "\"categories\":[{\"id\":7,\"name\":\"dog\"}]}",
        category);
}

static char *write_all(const char *extra) {
    char *config = mem_format(
        "stage: prepare\n"
        "inputs: {images: images, captions: captions.json%s}\n",
        extra);
    put_photo("a.jpg", 1000);
    put_photo("b.jpg", 1000);
    put_photo("c.jpg", 1000);
    put("captions.json", captions);
    put("set.yaml", config);
    free(config);
    return test_path("set.yaml");
}

static void check_ends(const char *config, const char *argument, int status, const char *says,
                       const char *also) {
    struct ended e = TRAIN("out", config, argument);
    check_status(&e, status);
    CHECK_HAS(e.err, says);
    CHECK_HAS(e.err, also);
    ended_free(&e);
}

TEST(a_truncated_jpeg_among_good_ones_is_named_skipped_and_counted) {
    char *config = write_all("");
    put_photo("b.jpg", 600);
    check_ends(config, "prepare.damaged=stop", 65, "b.jpg", "");
    check_ends(config, NULL, 0, "b.jpg", "1 of 3 pictures skipped");
    char *labelled = write_all(", instances: instances.json"), *text = instances(7);
    put("instances.json", text);
    put_photo("b.jpg", 600);
    struct ended e = TRAIN("out", labelled, NULL); /* two sets, of the same pictures */
    check_status(&e, 0);
    CHECK_HAS(e.err, "clip: 1 of 3 pictures skipped");
    CHECK_HAS(e.err, "seen: 1 of 3 pictures skipped");
    char *once = strstr(e.err, "skipped: ");
    CHECK_HAS(once, "b.jpg");
    CHECK(!strstr(once + 1, "skipped: "));
    ended_free(&e);
    free(labelled);
    free(text);
    free(write_all(""));
    put_photo("b.jpg", 600);
    put_photo("a.jpg", 600);
    put_photo("c.jpg", 20);
    check_ends(config, NULL, 65, "none of its 3 pictures can be read", "c.jpg");
    free(config);
}

TEST(a_caption_file_that_is_not_json_is_named_with_the_place) {
    char *config = write_all("");
    put("captions.json", "photo;caption\na.jpg;a dog\n");
    check_ends(config, NULL, 65, "captions.json:1", "");
    check_ends(config, "--dry-run", 65, "captions.json:1", ""); /* before anything runs */
    char *out = test_path("out");
    CHECK(!dir_exists(out));
    free(out);
    put("captions.json", "[1, 2, 3]");
    check_ends(config, NULL, 65, "captions.json", "");
    put("captions.json", "");
    check_ends(config, NULL, 65, "captions.json", "");
    char *cut = mem_format("%.*s", (int)sizeof captions / 2, captions);
    put("captions.json", cut);
    check_ends(config, NULL, 65, "captions.json", "");
    free(cut);
    free(config);
}

TEST(a_label_outside_the_classes_is_refused) {
    char *config = write_all(", instances: instances.json"), *text = instances(7);
    put("instances.json", text);
    check_ends(config, NULL, 0, "done", "");
    check_ends(config, "prepare.val=3", 78, "leave none of 3 pictures", "");
    check_ends(config, "prepare.unseen=[cow]", 78, "no class \"cow\"", "");
    free(text);
    text = instances(8);
    put("instances.json", text);
    check_ends(config, "prepare.damaged=stop", 65, "instances.json", "is of category 8");
    check_ends(config, NULL, 0, "is of category 8", "seen: 1 of 3 pictures skipped");
    free(text);
    free(config);
}

TEST(files_that_are_not_there_are_named) {
    char *config = write_all("");
    char *photo = test_path("images/b.jpg"), *json = test_path("captions.json");
    CHECK_OK(file_remove(photo));
    check_ends(config, NULL, 0, "b.jpg", "1 of 3 pictures skipped");
    CHECK_OK(file_remove(json));
    check_ends(config, NULL, 66, "inputs.captions", "captions.json");
    free(config);
    free(photo);
    free(json);
}

TEST(hashes_of_input_files_are_remembered_beside_the_runs) {
    char *config = write_all(""), *memory = test_path("out/.hashes");
    nanosleep(&(struct timespec){2, 100 * 1000 * 1000}, NULL); /* younger ones are not */
    check_ends(config, "--dry-run", 0, "", "");
    CHECK(!file_exists(memory));
    check_ends(config, NULL, 0, "done", "");
    char *first = text_of(memory);
    CHECK_HAS(first, "/captions.json\n");
    CHECK_HAS(first, "/images/b.jpg\n");
    put_photo("b.jpg", 990);
    char *photo = test_path("images/b.jpg"); /* of tomorrow: too young, however slow we are */
    CHECK_INT(utimensat(AT_FDCWD, photo, (struct timespec[]){{1LL << 32, 0}, {1LL << 32, 0}}, 0),
              0);
    check_ends(config, "--dry-run", 0, "", "");
    check_ends(config, NULL, 0, "done", ""); /* another run: the picture is read again */
    char *second = text_of(memory);
    CHECK_HAS(second, "/images/a.jpg\n");
    CHECK(!strstr(second, "/images/b.jpg\n"));
    char *const owned[] = {config, memory, first, photo, second};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
