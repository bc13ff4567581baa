/* Folders with one thing wrong in their pictures, or with something missing: `ovseg init` names the
 * file, says what to do, and writes nothing.
 */
/* ctest: timeout=600 */
#include <unistd.h>

#include "base/file.h"
#include "data/image.h"
#include "tests/unit/init_broken.h"

static void nothing_but_pictures(void) { own_pictures(); }

static void masks_without_names(void) {
    good_masks();
    own_remove("names.txt");
}

static void no_pictures(void) {
    good();
    own_remove("images");
    own_text("images/readme.txt", "they are elsewhere");
}

static void few_pictures(void) {
    own_picture_of("images/a.jpg", 40, 30, 1);
    own_text("captions.tsv", "a.jpg\ta red car\n");
}

static void twice(void) {
    good();
    own_picture_of("images/p04.png", 40, 30, 21);
}

static void twice_but_for_case(void) {
    good();
    own_picture_of("images/P04.jpg", 40, 30, 21);
}

static void twice_in_folders(void) {
    good();
    own_picture_of("images/more/p04.jpg", 40, 30, 21);
}

static void empty_picture(void) {
    good();
    own_text("images/p01.jpg", "");
}

static void link_to_nowhere(void) {
    good();
    own_remove("images/p01.jpg");
    char *path = own_path("images/p01.jpg");
    CHECK(!symlink("/nowhere/p01.jpg", path));
    free(path);
}

static void folder_as_picture(void) {
    good_masks();
    own_remove("images/p01.jpg");
    own_text("images/p01.jpg/note.md", "no picture");
}

static void link_back(void) {
    good();
    char *path = own_path("images/all");
    CHECK(!symlink(".", path));
    free(path);
}

static void cut_picture(void) {
    good();
    char *path = own_path("images/p01.jpg");
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 20, &b));
    own_put("images/p01.jpg", b.at, b.n / 2);
    bytes_free(&b);
    free(path);
}

static void a_gif(void) {
    good();
    own_text("images/p01.jpg", "GIF89a and so on");
}

static void a_web_page(void) {
    good();
    own_text("images/p01.jpg", "<html><body>404</body></html>");
}

static void heic(void) {
    good();
    own_text("images/IMG_0001.HEIC", "anything");
}

static void grey16(void) {
    good();
    own_remove("images/p01.jpg");
    own_mask_index("images/p01.png", 40, 30, 3000);
}

static void too_large(void) {
    static const uint8_t head[] = {0x89, 'P',  'N', 'G', '\r', '\n', 0x1a, '\n', 0,    0, 0,
                                   13,   'I',  'H', 'D', 'R',  0,    0,    0x4e, 0x20, 0, 0,
                                   0x4e, 0x20, 8,   2,   0,    0,    0,    0,    0,    0, 0};
    good();
    own_remove("images/p01.jpg");
    own_put("images/p01.png", head, sizeof head);
}

static void too_small(void) {
    good();
    own_picture_of("images/p01.jpg", 8, 8, 1);
}

static const struct broken rows[] = {
    {nothing_but_pictures, "own/images", "neither captions nor masks: name them, --captions"},
    {masks_without_names, "own/masks", "masks without names: write a file with a name a line"},
    {no_pictures, "own/images", "has no pictures (.jpg, .jpeg, .png, .webp)"},
    {few_pictures, "own/images", "has 1 picture that can be used; at least 10"},
    {twice, "images/p04.png", "has the name of p04.jpg, suffix and folder do not count: rename"},
    {twice_but_for_case, "images/p04.jpg", "but for upper and lower case"},
    {twice_in_folders, "images/p04.jpg", "rename one of them"},
    {empty_picture, "images/p01.jpg", "is empty: get it again"},
    {link_to_nowhere, "images/p01.jpg", "a link that leads nowhere: mend it, or take it away"},
    {folder_as_picture, "images/p01.jpg", "is a folder, not a file\n"},
    {link_back, "images/all", "a link that leads back to a folder it is in: remove it"},
    {cut_picture, "images/p01.jpg", "cut short; get the file again"},
    {a_gif, "images/p01.jpg", "is a GIF; need JPEG, PNG or WebP"},
    {a_web_page, "images/p01.jpg", "is a web page; need JPEG"},
    {heic, "images/IMG_0001.HEIC", "heic is not read here: convert it to JPEG or PNG"},
    {grey16, "images/p01.png", "grey of 16 bits"},
    {too_large, "images/p01.png", "20000 x 20000 pixels are too many"},
    {too_small, "images/p01.jpg", "is 8 x 8, too small"},
};

TEST(every_broken_folder_is_named_with_file_and_remedy_before_anything_is_written) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check_broken(&rows[i], i);
}

TEST(a_folder_in_a_picture_s_place_is_one_mistake_that_can_be_left_out) {
    folder_as_picture();
    struct own_ended e = INIT(NULL);
    CHECK_HAS(e.err, "1 thing is wrong"); /* and not its caption and its mask, too */
    own_ended_free(&e);
    e = INIT("--damaged", "skip");
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out, "1 left out");
    own_ended_free(&e);
}

TEST(what_is_not_there_is_said_with_its_option) {
    own_pictures();
    static const struct {
        const char *option, *says;
    } missing[] = {{"--captions", "--captions /nowhere/x: there is no such file or folder"},
                   {"--masks", "--masks /nowhere/x: there is no"},
                   {"--names", "--names /nowhere/x: there is no"},
                   {"--clip", "--clip /nowhere/x: there is no such run, file or config"},
                   {"--proposals", "--proposals /nowhere/x: there is no such run"}};
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        struct own_ended e = INIT(missing[i].option, "/nowhere/x");
        CHECK_INT(e.status, 66);
        CHECK_HAS(e.err, missing[i].says);
        own_ended_free(&e);
    }
}

TEST(several_mistakes_are_all_named_and_many_of_a_kind_are_counted) {
    good_masks();
    own_text("images/p01.jpg", "");
    own_mask_index("masks/p03.png", 20, 15, 2);
    for (int i = 0; i < 30; i++) {
        char *name = mem_format("images/extra%02d.jpg", i);
        own_picture_of(name, 40, 30, i);
        free(name);
    }
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 65);
    CHECK_HAS(e.err, "images/p01.jpg: is empty");
    CHECK_HAS(e.err, "masks/p03.png: is 20 x 15");
    CHECK_HAS(e.err, "images/extra00.jpg: has neither");
    CHECK_HAS(e.err, "and 22 more of these kinds");
    CHECK_HAS(e.err, "32 things are wrong, nothing was written");
    CHECK(!strstr(e.err, "images/extra29.jpg"));
    own_ended_free(&e);
    e = INIT("--damaged", "skip");
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.err, "left out: ");
    CHECK_HAS(e.out, "32 left out");
    CHECK_HAS(e.out, "split      train");
    own_ended_free(&e);
}
