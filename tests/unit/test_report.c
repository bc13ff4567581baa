/* Reports of runs and sweeps made by hand, with names that try to be markup. */
#include "data/image.h"
#include "tests/page.h"
#include "tests/unit/run_made.h"
#include "train/report/report.h"

#define EVIL "<script>alert('x')</script>"
#define EVIL_JSON "<script>alert('x')</script>\\\" onload=\\\"y\\u0001"

static const struct report_look all_of_it = {.pictures = 4, .classes = 60, .pairs = 10};

static char *evaluation; /* of a CLIP that lies beside it */

static void put_overlay(const char *run, const char *name) {
    struct image im;
    struct bytes png = {0};
    char *path = path_join(run, name);
    CHECK_OK(image_alloc(&im, 8, 16, 3));
    CHECK_OK(image_encode_png(&im, &png));
    CHECK_OK(file_write(path, png.at, png.n));
    image_free(&im);
    bytes_free(&png);
    free(path);
}

/* A CLIP that is unfinished, and an evaluation of it. */
static void make_runs(void) {
    char *clip = made_run(test_dir(), "clip-0123456789ab", "clip-pretrain", "{}");
    put_in(clip, "metrics.jsonl",
           "{\"kind\":\"train\",\"step\":1,\"wall\":5.5,\"loss\":4,\"lr\":0.1}\n"
           "{\"kind\":\"train\",\"step\":2,\"wall\":6.5,\"loss\":null,\"lr\":0.2}\n"
           "not JSON\n"
           "{\"kind\":\"validate\",\"step\":2,\"wall\":7.5,\"mask_accuracy\":50,"
           "\"mask_accuracy_<b>\":1}\n"
           "{\"kind\":\"train\",\"step\":3,\"wall\":7.5,\"loss\":1,\"l");
    evaluation = made_run(test_dir(), "eval-0123456789ab", "evaluate",
                          "{\"raw\":{\"run\":\"clip-0123456789ab\"},"
                          "\"gone\":{\"run\":\"mpt-999999999999\"},"
                          "\"self\":{\"run\":\"eval-0123456789ab\"}}");
    put_in(evaluation, "evaluation.json",
           "{\"rows\":[{\"name\":\"raw\",\"miou\":{\"all\":20,\"seen\":30,\"unseen\":null},"
           "\"confused\":[],\"class_iou\":[40,null]},"
           "{\"name\":\"" EVIL_JSON
           "\",\"miou\":{\"all\":25.04,\"seen\":30,\"unseen\":20},"
           "\"confused\":[{\"truth\":\"" EVIL_JSON
           "\",\"called\":\"sky\",\"pixels\":3,"
           "\"percent_of_truth\":12.34}],\"class_iou\":[50,null]}],"
           "\"classes\":[\"sky\",\"" EVIL_JSON
           "\"],"
           "\"protocol\":{\"id\":\"1\",\"set\":\"" EVIL_JSON
           "\","
           "\"settings\":{\"eval.lambda\":\"0.7\"}}}");
    put_in(evaluation, "classes.csv", "model,index,class,split\nraw,0,sky,unseen\n");
    put_in(evaluation, "DONE", "{\"seconds\":12.5}");
    put_overlay(evaluation, "overlay-000.png");
    put_in(evaluation, "overlay-001.png", "no PNG");
    put_in(evaluation, "overlay-002.svg", "<svg onload='x'/>");
    free(clip);
}

static char *page_of(const char *const *words) {
    struct report r = {0};
    struct report_tables t;
    struct str page = {0};
    for (; *words; words++) CHECK_OK(report_add(&r, *words, test_dir()));
    report_tables(&r, &t);
    report_page(&r, &t, &all_of_it, &page);
    report_tables_free(&t);
    report_free(&r);
    check_page(page.at);
    return page.at;
}
#define PAGE(...) page_of((const char *const[]){__VA_ARGS__, NULL})

static int count(const char *text, const char *part) {
    int n = 0;
    for (; (text = strstr(text, part)); text += strlen(part)) n++;
    return n;
}

TEST(names_that_are_markup_stay_text_in_a_page) {
    make_runs();
    char *page = PAGE(evaluation);
    CHECK(!strstr(page, "<script"));
    CHECK(!strstr(page, "\" onload"));
    CHECK_HAS(page,
              "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot; onload=&quot;y\xEF\xBF\xBD");
    free(page);
}

TEST(a_page_has_results_classes_pictures_curves_and_runs_of_an_evaluation) {
    make_runs();
    char *page = PAGE("eval"); /* by its name */
    CHECK_HAS(page, "<th scope=\"row\">raw CLIP</th><td class=\"n\">20.0</td>");
    CHECK_HAS(page, "<td class=\"n best\">25.0</td>");
    CHECK_HAS(page, "<td class=\"n\">12.3</td>");
    CHECK_INT(count(page, "<img "), 1);
    CHECK_HAS(page, "<img width=\"16\" height=\"8\"");
    CHECK_INT(count(page, "<rect class=\"bar c1\""), 1); /* sky is unseen, the other has no IoU */
    CHECK_HAS(page, ">loss</figcaption>");
    CHECK_HAS(page, "mask_accuracy, validation</figcaption>");
    CHECK_HAS(page, "1 unfinished</span>");
    CHECK_HAS(page, "eval.lambda");
    CHECK(!strstr(page, test_dir())); /* nothing of this machine */
    char *again = PAGE(evaluation);
    CHECK_TEXT(again, page);
    free(again);
    free(page);
}

TEST(a_run_that_has_nothing_yet_and_one_that_failed_are_told_of) {
    char *bare = made_run(test_dir(), "mpt-0123456789ab", "mask-prompt", "nonsense");
    char *failed = made_run(test_dir(), "ft-0123456789ab", "clip-finetune", "{}");
    put_in(failed, "FAILED", "{\"code\":65,\"message\":\"x.h5: " EVIL_JSON "\"}");
    put_in(failed, "metrics.jsonl", "");
    put_in(failed, "evaluation.json", "{\"rows\":");
    char *page = PAGE(bare, failed);
    CHECK_HAS(page, "failed, exit 65: x.h5: &lt;script&gt;");
    CHECK_HAS(page, "1 unfinished</span>");
    CHECK(!strstr(page, "id=\"curves\""));
    CHECK(!strstr(page, "id=\"results\""));
    free(page);
    free(bare);
    free(failed);
}

static char *make_sweep(void) {
    char *dir = test_path("sweep-table3-0123456789ab");
    CHECK_OK(dir_make(dir));
    put_in(dir, "sweep.csv",
           "trial,settings,seed,state,run,objective,rank,mean,deviation,seeds_done,metric,paper,"
           "paper_figure,finetune:optim.lr,m.miou.all\n"
           "1,raw,1,done,clip-0123456789ab,10,2,11,1.4,2,miou.all on validation,21.8,on A-150,,30\n"
           "2,raw,2,done,gone-0123456789ab,12,2,11,1.4,2,miou.all on validation,21.8,on A-150,,32\n"
           "3,\"" EVIL
           "\",1,done,eval-0123456789ab,20,1,21,1.4,2,x,26.5,y,0.1,35\n"
           "4,\"" EVIL "\",2,failed,../../etc,,,,,1,x,26.5,y,0.1,\n");
    return dir;
}

TEST(a_sweep_has_means_over_seeds_gains_of_equal_seeds_and_the_papers_figures) {
    make_runs();
    char *dir = make_sweep(), *out = test_path("out"),
         *csv = path_join(out, "sweep-table3-0123456789ab.csv");
    char *page = PAGE(dir);
    CHECK_HAS(page, "<td class=\"n\">31.0 ± 1.4</td>");
    CHECK_HAS(page, "<td>1 of 2</td>");
    CHECK_HAS(page, "Paper: on A-150, with its data and models.");
    CHECK_HAS(page, "3 of 4 trials done</span>");
    CHECK_HAS(page, ", seed 1</summary>"); /* the evaluation of a trial is a result */
    CHECK(!strstr(page, "<script"));
    struct report r = {0};
    CHECK_OK(report_add(&r, "sweep-table3-0123456789ab", test_dir()));
    CHECK_OK(report_write(&r, &all_of_it, out));
    struct csv c;
    CHECK_OK(csv_read(&c, csv));
    CHECK_INT(c.n, 3);
    const struct csv_row *row = &c.at[2];
    CHECK_TEXT(row->at[0], EVIL);
    CHECK_TEXT(c.at[0].at[4], "miou.all, gain over the first");
    CHECK_TEXT(row->at[4], "5"); /* of seed 1 alone: 35 - 30 */
    CHECK_TEXT(row->at[6], "26.5");
    CHECK_NEAR(strtod(row->at[7], NULL), 4.7, 1e-9);
    csv_free(&c);
    report_free(&r);
    char *const owned[] = {dir, out, csv, page};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(a_gain_is_called_one_when_its_seeds_allow_it) {
    char *dir = test_path("sweep-gains-0123456789ab");
    CHECK_OK(dir_make(dir));
    put_in(
        dir, "sweep.csv",
        "trial,settings,seed,state,run,objective,metric,paper,m.miou.all\n"
        "1,first,1,done,a-1,1,x,20,30\n2,first,2,done,a-2,1,x,20,35\n3,first,3,done,a-3,1,x,20,31\n"
        "4,up,1,done,b-1,1,x,22,32\n5,up,2,done,b-2,1,x,22,37.2\n6,up,3,done,b-3,1,x,22,32.9\n"
        "7,down,1,done,c-1,1,x,22,28\n8,down,2,done,c-2,1,x,22,33.2\n9,down,3,done,c-3,1,x,22,28."
        "9\n"
        "10,either,1,done,d-1,1,x,22,32\n11,either,2,done,d-2,1,x,22,34\n"
        "12,either,3,done,d-3,1,x,22,33\n"
        "13,ours,1,done,e-1,1,x,,32\n14,ours,2,done,e-2,1,x,,37.2\n15,ours,3,done,e-3,1,x,,32.9\n"
        "16,once,1,done,f-1,1,x,22,90\n");
    char *page = PAGE(dir);
    CHECK_HAS(page,
              "+2.0 ± 0.2</td><td class=\"n\">22.0</td><td class=\"n\">+2.0</td>"
              "<td>as in the paper</td>");
    CHECK_HAS(page, "<td>the other way</td>");
    CHECK_HAS(page, "<td>within noise</td>");
    CHECK_HAS(page, "<td>better</td>");
    CHECK(!strstr(page, "<td>worse</td>"));
    free(page);
    free(dir);
}

TEST(what_is_no_run_and_no_sweep_is_told) {
    struct report r = {0};
    char *dir = test_path("sweep-x-0123456789ab"), *logs = path_join(dir, "logs");
    CHECK_ERROR(report_add(&r, "nothing", test_dir()), ERR_MISSING, "no such run");
    CHECK_OK(dir_make(logs));
    CHECK_ERROR(report_add(&r, dir, test_dir()), ERR_MISSING, "no table yet");
    put_in(dir, "sweep.csv", "a,b\n1,2\n");
    CHECK_ERROR(report_add(&r, dir, test_dir()), ERR_DATA, "not the table of a sweep");
    put_in(dir, "sweep.csv", "");
    CHECK_ERROR(report_add(&r, dir, test_dir()), ERR_DATA, "not the table of a sweep");
    report_free(&r);
    free(logs);
    free(dir);
}

TEST(the_evaluation_that_closed_a_chain_stands_for_the_run_that_was_asked_for) {
    make_runs();
    char *mpt = made_run(test_dir(), "mpt-0123456789ab", "mask-prompt", "{}");
    static const char result[] = "{\"rows\":[{\"name\":\"raw\",\"miou\":{\"all\":20}}]}";
    put_in(mpt, "result.json", result);
    struct report r = {0};
    CHECK_OK(
        report_add(&r, mpt, test_dir())); /* its evaluation is gone: the copy is what there is */
    CHECK_INT(r.n_results, 1);
    CHECK_TEXT(r.result[0].label, "mpt-0123456789ab");
    report_free(&r);
    put_in(evaluation, "result.json", result);
    CHECK_OK(report_add(&r, mpt, test_dir()));
    CHECK_INT(r.n_results, 1);
    CHECK_TEXT(r.result[0].label, "eval-0123456789ab");
    CHECK_INT(r.n_named, 1);
    report_free(&r);
    free(mpt);
}

static char *trained_run(const char *name, const char *stage, const char *inputs, int before,
                         int after) {
    char *run = made_run(test_dir(), name, stage, inputs);
    char *lines = mem_format(
        "{\"kind\":\"validate\",\"step\":0,\"wall\":1,\"mask_accuracy\":%d,\"probe_accuracy\":70}\n"
        "{\"kind\":\"validate\",\"step\":9,\"wall\":2,\"mask_accuracy\":%d,\"probe_accuracy\":64.5}"
        "\n",
        before, after);
    char *settings = mem_format(
        "stage: %s                 # mpt.yaml:2:8\n"
        "validate.set: val         # mpt.yaml:3:8\n"
        "validate.probe: \"/home/" EVIL "/test.h5\" # mpt.yaml:4:8\n",
        stage);
    put_in(run, "metrics.jsonl", lines);
    put_in(run, "settings.yaml", settings);
    free(lines);
    free(settings);
    return run;
}

TEST(what_was_gained_and_forgotten_is_told_of_each_training_and_since_the_chain_began) {
    char *ft = trained_run("finetune-0123456789ab", "clip-finetune", "{}", 50, 60);
    char *mpt = trained_run("mpt-0123456789ab", "mask-prompt",
                            "{\"clip\":{\"run\":\"finetune-0123456789ab\"}}", 60, 61);
    put_in(mpt, "blend.json",
           "{\"from\":\"" EVIL_JSON
           "\",\"to\":\"mpt\",\"points\":["
           "{\"alpha\":0,\"mask_accuracy\":50,\"probe_accuracy\":70},"
           "{\"alpha\":0.5,\"mask_accuracy\":null},{\"alpha\":1,\"mask_accuracy\":61}]}");
    put_in(ft, "blend.json", "{\"points\":3}");
    char *page = PAGE(mpt);
    CHECK_HAS(page, "<h2>Gained and forgotten</h2>");
    CHECK_HAS(page,
              "validation: val</td><td class=\"n\">50.0</td><td class=\"n\">60.0</td>"
              "<td class=\"n\">+10.0</td><td class=\"n\">+10.0</td>");
    CHECK_HAS(page, "<td class=\"n\">61.0</td><td class=\"n\">+1.0</td><td class=\"n\">+11.0</td>");
    CHECK_HAS(page, "probe: test.h5</td>");
    CHECK(!strstr(page, "/home/")); /* nothing of this machine */
    CHECK_INT(count(page, "<figcaption>mask accuracy from "), 1);
    CHECK(!strstr(page, "<script"));
    free(page);
    free(ft);
    free(mpt);
}
