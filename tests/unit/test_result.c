#include "train/evaluation/result.h"

#include <sys/stat.h>

#include "base/file.h"
#include "tests/test.h"

static const char rows[] = "{\"rows\":[],\"ensemble\":{\"lambda\":0.7}}";

/* A chain of two finished runs: mpt, and the evaluation that follows it. */
struct chain {
    struct node mpt, eval, *at[2];
    struct graph g;
    char *evaluation, *result, *copy;
};

static void chain_open(struct chain *c) {
    *c = (struct chain){.mpt = {.name = mem_strdup("mpt"), .seconds = 1.25},
                        .eval = {.name = mem_strdup("eval"), .seconds = 1 / 3.0}};
    c->mpt.dir = test_path("mpt-1");
    c->eval.dir = test_path("eval-2");
    c->mpt.config.run.stage = STAGE_MASK_PROMPT;
    c->eval.config.run.stage = STAGE_EVALUATE;
    c->mpt.then = &c->eval;
    c->at[0] = &c->mpt;
    c->at[1] = &c->eval;
    c->g = (struct graph){.at = c->at, .n = 2, .named = &c->mpt};
    c->evaluation = path_join(c->eval.dir, "evaluation.json");
    c->result = path_join(c->eval.dir, "result.json");
    c->copy = path_join(c->mpt.dir, "result.json");
    CHECK_OK(dir_make(c->mpt.dir));
    CHECK_OK(dir_make(c->eval.dir));
    CHECK_OK(file_write(c->evaluation, rows, sizeof rows - 1));
}

static void chain_close(struct chain *c) {
    char *const owned[] = {c->mpt.name,   c->eval.name, c->mpt.dir, c->eval.dir,
                           c->evaluation, c->result,    c->copy};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

/* What result_print() says of an evaluation; owned. */
static char *printed_of(struct chain *c, const char *evaluation, enum measure_table table) {
    char *path = test_path("table.txt");
    struct bytes b;
    CHECK_OK(file_write(c->evaluation, evaluation, strlen(evaluation)));
    c->eval.config.measure.table = table;
    CHECK_OK(result_write(&c->g));
    FILE *to = fopen(path, "w");
    CHECK(to);
    CHECK_OK(result_print(&c->g, to));
    CHECK_INT(fclose(to), 0);
    CHECK_OK(file_read(path, 1 << 16, &b));
    free(path);
    return (char *)b.at;
}

/* Every write is a new file under the old name. */
static unsigned long long file_number(const char *path) {
    struct stat s;
    CHECK_INT(stat(path, &s), 0);
    return s.st_ino;
}

TEST(a_result_is_written_when_it_says_something_new_and_only_then) {
    struct chain c;
    chain_open(&c);
    CHECK_OK(result_write(&c.g));
    unsigned long long first = file_number(c.result), copy = file_number(c.copy);
    CHECK_OK(result_write(&c.g));
    CHECK(file_number(c.result) == first && file_number(c.copy) == copy);
    CHECK_OK(file_remove(c.copy)); /* one that is not there is written again */
    CHECK_OK(result_write(&c.g));
    CHECK(file_number(c.result) == first && file_exists(c.copy));
    c.mpt.seconds = 2;
    CHECK_OK(result_write(&c.g));
    CHECK(file_number(c.result) != first);
    chain_close(&c);
}

TEST(a_result_or_evaluation_that_cannot_be_read_is_named_and_left_as_it_is) {
    struct chain c;
    struct bytes b;
    chain_open(&c);
    CHECK_OK(result_write(&c.g));
    CHECK_OK(file_write(c.evaluation, rows, 20));
    CHECK_ERROR(result_write(&c.g), ERR_DATA, "eval-2/evaluation.json: not JSON");
    CHECK_OK(file_write(c.evaluation, "[1]", 3));
    CHECK_ERROR(result_write(&c.g), ERR_DATA, "remove the folder of this run");
    CHECK_OK(file_remove(c.evaluation));
    CHECK_ERROR(result_write(&c.g), ERR_DATA, "eval-2/evaluation.json: missing");
    CHECK_OK(file_write(c.evaluation, rows, sizeof rows - 1));
    CHECK_OK(file_write(c.result, rows, 20));
    CHECK_ERROR(result_write(&c.g), ERR_DATA, "eval-2/result.json: not JSON");
    CHECK_ERROR(result_print(&c.g, stdout), ERR_DATA, "remove it and run the same command");
    CHECK_OK(file_read(c.result, 1000, &b));
    CHECK_INT(b.n, 20);
    bytes_free(&b);
    chain_close(&c);
}

TEST(figures_of_unseen_classes_where_there_are_none_are_dashes_with_a_line_that_says_so) {
    static const char seen_alone[] =
        "{\"rows\":[{\"name\":\"ft\",\"miou\":{\"all\":41.25,\"seen\":41.25,\"unseen\":null},"
        "\"mask_accuracy\":{\"all\":70,\"seen\":70,\"unseen\":null},"
        "\"metrics\":{\"all\":{\"miou\":41.25},\"unseen\":{\"miou\":null},\"hiou\":null}}],"
        "\"ensemble\":{\"lambda\":0.7,\"fused\":{\"all\":41.25,\"seen\":41.25,\"unseen\":null}}}";
    static const char both[] =
        "{\"rows\":[{\"name\":\"ft\",\"miou\":{\"all\":41.25,\"seen\":50,\"unseen\":0},"
        "\"mask_accuracy\":{\"all\":70,\"seen\":70,\"unseen\":0}}],"
        "\"ensemble\":{\"lambda\":0.7,\"fused\":{\"all\":41.25,\"seen\":50,\"unseen\":0}}}";
    struct chain c;
    chain_open(&c);
    char *text = printed_of(&c, seen_alone, TABLE_SHORT);
    CHECK_HAS(text, "FT only               41.2    41.2       -      70.0    70.0       -\n");
    CHECK_HAS(text, "ensemble              41.2    41.2       -\n");
    CHECK_HAS(text, "\n-: none of the classes in the truth is unseen\n");
    CHECK(!strstr(text, "nan") && !strstr(text, "is seen"));
    free(text);
    text = printed_of(&c, seen_alone, TABLE_FULL);
    CHECK_HAS(text, "mIoU of unseen classes                             -\n");
    CHECK_HAS(text, "hIoU, harmonic mean of seen and unseen             -\n");
    CHECK(!strstr(text, "nan"));
    free(text);
    text = printed_of(&c, both, TABLE_SHORT);
    CHECK_HAS(text, "FT only               41.2    50.0     0.0      70.0    70.0     0.0\n");
    CHECK(!strstr(text, "none of the classes"));
    free(text);
    chain_close(&c);
}

TEST(time_of_reused_stages_is_not_told_as_spent_now) {
    struct chain c;
    chain_open(&c);
    char *fresh = printed_of(&c, rows, TABLE_SHORT);
    CHECK_HAS(fresh, "in all                    1.6 s\n\nresults: ");
    c.mpt.reused = true;
    char *half = printed_of(&c, rows, TABLE_SHORT);
    CHECK_HAS(half, "mpt                       1.2 s   reused\n");
    CHECK_HAS(half, "in all                    1.6 s   333 ms of it not reused\n");
    c.eval.reused = true;
    char *none = printed_of(&c, rows, TABLE_SHORT);
    CHECK_HAS(none, "in all                    1.6 s   reused\n");
    free(fresh);
    free(half);
    free(none);
    chain_close(&c);
}
