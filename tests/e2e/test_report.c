/* `ovseg report` on the smoke chain: finished, killed, a sweep. */
/* ctest: timeout=900 labels=slow */
#include <signal.h>

#include "base/file.h"
#include "data/csv.h"
#include "tests/e2e/process.h"
#include "tests/page.h"
#include "tests/test.h"

#define REPORT(...) OVSEG("report", __VA_ARGS__)

static char *report_file(const char *dir, const char *name) {
    char *path = path_join(dir, name), *text = text_of(path);
    free(path);
    return text;
}

/* The page of a report that succeeded. */
static char *page_in(struct ended e, const char *dir) {
    check_status(&e, 0);
    ended_free(&e);
    char *page = report_file(dir, "report.html");
    check_page(page);
    return page;
}

static int count(const char *text, const char *part) {
    int n = 0;
    for (; (text = strstr(text, part)); text += strlen(part)) n++;
    return n;
}

static void check_has_all(const char *text, const char *const *parts) {
    for (; *parts; parts++) CHECK_HAS(text, *parts);
}

/* mpt closes with an evaluation, which the page is of. */
static void check_whole_chain(const char *runs, const char *dir) {
    char *page = page_in(REPORT("mpt", "--runs", runs, "-o", dir), dir);
    static const char *const parts[] = {"<h3>clip</h3>",
                                        "<h3>proposals</h3>",
                                        "<h3>mpt</h3>",
                                        "mask_accuracy, validation</figcaption>",
                                        ">lr</figcaption>",
                                        "<th scope=\"row\">FT+MPT</th>",
                                        "MaskFormer alone",
                                        "IoU by class, percent</figcaption>",
                                        "Names taken for others",
                                        "eval.lambda",
                                        "8 done</span>",
                                        "id=\"cost\"",
                                        NULL};
    check_has_all(page, parts);
    CHECK_INT(count(page, "src=\"data:image/png;base64,"), 2);
    CHECK(!strstr(page, test_dir()));
    char *md = report_file(dir, "report.md"), *csv = report_file(dir, "results.csv");
    char *sure = report_file(dir, "differences.csv");
    CHECK_HAS(page, "<h3>How sure differences are</h3>");
    CHECK_INT(count(sure, "FT+MPT,raw CLIP,\"mIoU, "), 3); /* all, seen, unseen */
    CHECK_HAS(md, "## Results\n");
    CHECK_HAS(md, "| FT+MPT |");
    CHECK_HAS(csv, "result,model,mIoU,");
    char *again = page_in(REPORT("eval", "--pictures", "4", "--runs", runs, "-o", dir), dir);
    CHECK_TEXT(again, page); /* byte by byte, by whichever name */
    char *const owned[] = {page, md, csv, sure, again};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

/* The config of a chain stands for the evaluation that closes it, which is there or is not: the one
 * with overlays is another. */
static void check_compared(const char *runs) {
    char *chain = test_source("configs/smoke/mpt.yaml");
    struct ended none = REPORT("--compare", chain, "eval", "--runs", runs),
                 train = TRAIN("out", "smoke/mpt.yaml", "threads=2");
    check_status(&none, 66);
    CHECK_HAS(none.err, "eval.yaml was not run yet: ovseg-train ");
    check_status(&train, 0);
    const char *at = strstr(train.out, "results: ") + strlen("results: ");
    char *run = mem_format("%.*s", (int)strcspn(at, "\n"), at),
         *heading = mem_format("A: %s\nB: %s\n", run, run);
    struct ended e = REPORT("--compare", chain, path_base(run), "--runs", runs);
    check_status(&e, 0);
    CHECK_HAS(e.out, heading);
    struct ended *const ended[] = {&none, &train, &e, NULL};
    for (size_t i = 0; ended[i]; i++) ended_free(ended[i]);
    char *const owned[] = {chain, run, heading};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

/* Two rows with two seeds on what the chain made; the first seed's upstream is done already. */
static void check_sweep(const char *runs, const char *dir) {
    char *here = test_source("configs/smoke"), *whole = realpath(here, NULL);
    char *text = mem_format(
        "config: %s/finetune.yaml\nmethod: list\nseeds: [1, 2]\npaper: mIoU of nobody\nlist:\n"
        "  - {name: six <steps>, optim.steps: 6, paper: 21.8}\n"
        "  - {name: nine & more, optim.steps: 9, paper: 26.5}\n"
        "  - {name: too many, optim.steps: 6, batch.global: 100000}\n"
        "objective: {metric: mask_accuracy}\n",
        whole);
    char *file = test_path("small.yaml"), *out = mem_format("output_dir=%s", runs);
    CHECK_OK(file_write(file, text, strlen(text)));
    struct ended e = OVSEG("sweep", file, "threads=1", out);
    check_status(&e, 78);
    ended_free(&e);
    struct strings names;
    char *sweep = NULL;
    CHECK_OK(dir_list(runs, &names));
    for (size_t i = 0; i < names.n; i++)
        if (strncmp(names.at[i], "sweep-small-", 12) == 0) sweep = path_join(runs, names.at[i]);
    CHECK(sweep);
    char *page = page_in(REPORT(sweep, "-o", dir), dir);
    static const char *const parts[] = {"Sweep small",
                                        "six &lt;steps&gt;",
                                        "nine &amp; more",
                                        "Paper: mIoU of nobody, with its data and models.",
                                        "<td class=\"n\">+4.7</td>",
                                        "4 of 6 trials done</span>",
                                        "2 of 6 trials failed</span>",
                                        "<td>0 of 2</td>",
                                        "id=\"curves\"",
                                        NULL};
    check_has_all(page, parts);
    char *md = report_file(sweep, "sweep.md");
    CHECK_HAS(md, " paper |");
    CHECK_HAS(md, " 26.5 |");
    strings_free(&names);
    char *const owned[] = {here, whole, text, file, out, sweep, page, md};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(a_report_of_a_chain_and_of_a_sweep_is_one_page_with_tables_beside) {
    struct ended e = TRAIN("out", "smoke/mpt.yaml", "eval:eval.overlays=2");
    check_status(&e, 0);
    ended_free(&e);
    char *runs = test_path("out"), *dir = test_path("page");
    char *before = listing_of(runs);
    check_whole_chain(runs, dir);
    char *after = listing_of(runs);
    CHECK_TEXT(after, before); /* it changes nothing */
    check_sweep(runs, dir);
    check_compared(runs);
    struct ended none = REPORT("nothing", "--runs", runs, "-o", dir);
    check_status(&none, 66);
    ended_free(&none);
    none = OVSEG("report");
    check_status(&none, 64);
    ended_free(&none);
    none = REPORT("mpt", "--runs", runs, "-o", "/proc/no/folder");
    check_status(&none, 74);
    CHECK_HAS(none.err, "cannot create");
    ended_free(&none);
    char *const owned[] = {runs, dir, before, after};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(a_report_of_a_run_at_work_and_of_one_that_was_killed_has_its_curves) {
    struct process p;
    char *runs = test_path("out"), *dir = test_path("page");
    train_start(&p, "out", "smoke/clip.yaml",
                (const char *const[]){"optim.steps=100000", "log.every=1", NULL}, NULL);
    char *run = wait_for_run("out", "clip", "metrics.jsonl", 1000);
    char *page = page_in(REPORT(run, "-o", dir), dir);
    CHECK_HAS(page, "1 running</span>");
    CHECK_HAS(page, ">loss</figcaption>");
    free(page);
    kill(p.pid, SIGKILL);
    struct ended e = process_wait(&p, 60);
    ended_free(&e);
    page = page_in(REPORT(run, "-o", dir), dir);
    CHECK_HAS(page, "1 unfinished</span>");
    CHECK_HAS(page, "class=\"line c0\" d=\"M");
    CHECK_HAS(page, ">lr</figcaption>");
    char *const owned[] = {runs, dir, run, page};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
