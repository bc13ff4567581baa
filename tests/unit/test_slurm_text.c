#include "train/cluster/slurm_text.h"

#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

static const char *quoted(int (*quote)(struct str *, const char *), const char *text) {
    static char out[512];
    struct str s = {0};
    CHECK_OK(quote(&s, text));
    snprintf(out, sizeof out, "%s", s.at);
    str_free(&s);
    return out;
}

TEST(a_word_that_is_plain_stays_as_it_is) {
    static const char *const plain[] = {
        "seed=2", "configs/mpt.yaml", "/a/b-c_d.e", "finetune:optim.lr=1e-4", "--only=mine",
        "10%",    "a,b@c+d"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        CHECK_TEXT(quoted(shell_quote, plain[i]), plain[i]);
        CHECK_TEXT(quoted(sbatch_quote, plain[i]), plain[i]);
    }
}

TEST(any_other_word_is_quoted) {
    CHECK_TEXT(quoted(shell_quote, ""), "''");
    CHECK_TEXT(quoted(shell_quote, "a b"), "'a b'");
    CHECK_TEXT(quoted(shell_quote, "*:seed=2"), "'*:seed=2'");
    CHECK_TEXT(quoted(shell_quote, "it's"), "'it'\\''s'");
    CHECK_TEXT(quoted(shell_quote, "$(id)"), "'$(id)'");
    CHECK_TEXT(quoted(shell_quote, "=x"), "'=x'"); /* zsh: the path of x */
    CHECK_TEXT(quoted(sbatch_quote, "a b"), "\"a b\"");
    CHECK_TEXT(quoted(sbatch_quote, "a\"b\\c"), "\"a\\\"b\\\\c\"");
}

static const char *const words[] = {"plain",
                                    "two words",
                                    "it's",
                                    "'",
                                    "''",
                                    "\"",
                                    "a\\b",
                                    "$HOME",
                                    "`id`",
                                    "$(id)",
                                    "a;b",
                                    "a&b|c>d<e",
                                    "*",
                                    "?",
                                    "[a-z]",
                                    "{a,b}",
                                    "~",
                                    "~root",
                                    "#no comment",
                                    "!event",
                                    "a=b",
                                    "=a",
                                    "-n",
                                    " ",
                                    "",
                                    "\\",
                                    "\\'",
                                    "x\\",
                                    "$'\\n'",
                                    "caf\xc3\xa9",
                                    "\xe2\x80\x9cx\xe2\x80\x9d",
                                    "*:seed=[1, 2]",
                                    "paths.a={b: \"c d\"}"};
enum { WORDS = sizeof words / sizeof *words };

TEST(a_shell_reads_a_quoted_word_as_that_word) {
    struct str script = {0}, expected = {0};
    for (size_t i = 0; i < WORDS; i++) {
        str_add(&script, "printf '<%%s>\\n' ");
        CHECK_OK(shell_quote(&script, words[i]));
        str_add(&script, "\n");
        str_add(&expected, "<%s>\n", words[i]);
    }
    char *path = test_path("script");
    CHECK_OK(file_write(path, script.at, script.n));
    static const char *const shells[] = {"/bin/sh", "/bin/bash"};
    for (size_t i = 0; i < 2; i++) {
        struct process p;
        process_start(&p, (const char *const[]){shells[i], path, NULL}, NULL);
        struct ended e = process_wait(&p, 20);
        check_status(&e, 0);
        CHECK_TEXT(e.out, expected.at);
        ended_free(&e);
    }
    free(path);
    str_free(&script);
    str_free(&expected);
}

TEST(line_breaks_and_other_control_characters_are_refused) {
    static const char *const bad[] = {"a\nb", "a\rb", "\n", "a\tb", "\x1b[0m", "\x7f"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct str s = {0};
        CHECK_ERROR(shell_quote(&s, bad[i]), ERR_USAGE, "line break");
        CHECK_ERROR(sbatch_quote(&s, bad[i]), ERR_USAGE, "line break");
        CHECK_INT(s.n, 0);
        str_free(&s);
    }
}

TEST(a_word_for_people_may_hold_any_character) {
    static const char *const rows[][2] = {{"two words", "'two words'"},
                                          {"a\nb", "$'a\\012b'"},
                                          {"\x1b[0m\x7f", "$'\\033[0m\\177'"},
                                          {"it's\t\\", "$'it\\'s\\011\\\\'"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *shown = shell_word(rows[i][0]), *command = mem_format("printf %%s %s", shown);
        struct process p;
        CHECK_TEXT(shown, rows[i][1]);
        CHECK_INT(error_status(), 0);
        process_start(&p, (const char *const[]){"/bin/bash", "-c", command, NULL}, NULL);
        struct ended e = process_wait(&p, 20);
        CHECK_TEXT(e.out, rows[i][0]);
        ended_free(&e);
        free(command);
        free(shown);
    }
}

TEST(the_id_of_a_job_is_matched_in_full) {
    char id[16];
    CHECK(sbatch_job_id("123\n", id));
    CHECK_TEXT(id, "123");
    CHECK(sbatch_job_id("7", id));
    CHECK_TEXT(id, "7");
    CHECK(sbatch_job_id("4711;vision-2.cluster_a\n", id));
    CHECK_TEXT(id, "4711");
    static const char *const bad[] = {"",
                                      "\n",
                                      "x",
                                      "123; x",
                                      "123 4",
                                      "123;",
                                      "-1",
                                      "0",
                                      "0123",
                                      "123\n\n",
                                      "123;a;b",
                                      "12a",
                                      "123;$(id)",
                                      " 123",
                                      "1234567890123456",
                                      "Submitted batch job 5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (sbatch_job_id(bad[i], id)) test_fail(__FILE__, __LINE__, "\"%s\" was taken", bad[i]);
}

TEST(an_array_is_a_list_of_indices) {
    long first;
    static const struct {
        const char *text;
        long first;
    } good[] = {{"1-8", 1}, {"0-15%4", 0}, {"3", 3}, {"1,3,7", 1}, {"5-9:2,20%1", 5}, {"2-2", 2}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CHECK(sbatch_array(good[i].text, &first));
        CHECK_INT(first, good[i].first);
    }
    static const char *const bad[] = {"",     "a",   "1-",       "-1",    "8-1",   "1,",
                                      "1,,2", "1%0", "1%",       "1%2%3", "1-8 ",  "1-8;id",
                                      "1:0",  "1 2", "12345678", "%2",    "1-2-3", "0x1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (sbatch_array(bad[i], &first)) test_fail(__FILE__, __LINE__, "\"%s\" was taken", bad[i]);
}

TEST(indices_of_an_array_are_taken_evenly_from_first_to_last) {
    long at[4];
    size_t n;
    CHECK_INT(sbatch_array_spread("1-8%2", 4, at, &n), 8);
    CHECK_INT(n, 4);
    static const long spread[] = {1, 3, 5, 8};
    for (size_t i = 0; i < 4; i++) CHECK_INT(at[i], spread[i]);
    CHECK_INT(sbatch_array_spread("9,2,5-9:2", 4, at, &n), 5);
    static const long listed[] = {9, 2, 5, 9};
    for (size_t i = 0; i < 4; i++) CHECK_INT(at[i], listed[i]);
    CHECK_INT(sbatch_array_spread("7", 4, at, &n), 1);
    CHECK_INT(n, 1);
    CHECK_INT(at[0], 7);
    CHECK_INT(sbatch_array_spread("0-9999999", 2, at, &n), 10000000);
    CHECK_INT(at[1], 9999999);
}
