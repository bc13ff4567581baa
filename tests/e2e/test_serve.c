/* ovseg serve: the page, its end point, and requests that mean harm; driven through sockets. */
/* ctest: timeout=600 labels=slow */
#include "base/base64.h"
#include "tests/e2e/process.h"
#include "tests/e2e/serving.h"
#include "tests/package_made.h"

/* ---- with a trained model ---- */

static void good(struct ended e) {
    check_status(&e, 0);
    ended_free(&e);
}

/* The smoke chain as a package, and the first test picture of it; owned. */
static char *make_package(char **picture) {
    struct ended e = TRAIN("out", "smoke/mpt.yaml", NULL);
    good(e);
    char *run = run_of("out", "eval"), *set = file_of("out", "scenes", "test.h5");
    char *plain = test_path("plain"), *package = test_path("m.ovseg");
    good(OVSEG("data", "export", set, plain));
    good(OVSEG("export", "-q", run, "-o", package));
    *picture = test_path("plain/images/000000000003.png");
    free(run);
    free(set);
    free(plain);
    return package;
}

static void check_same_as_segment(const struct server *s, const char *package, const char *picture,
                                  const char *names) {
    char *out = test_path("labels");
    good(OVSEG("segment", "-q", "-m", package, "--classes", names, "-o", out, picture));
    char *png_path = path_join(out, "000000000003.png"),
         *json_path = path_join(out, "000000000003.json");
    struct bytes file, png;
    struct str base64 = {0};
    CHECK_OK(file_read(picture, 1 << 24, &file));
    CHECK_OK(file_read(png_path, 1 << 24, &png));
    struct form f = {.file_name = "000000000003.png",
                     .names = names,
                     .maps = "1",
                     .picture = file.at,
                     .n = file.n};
    for (int again = 0; again < 2; again++) { /* the second time the texts are kept */
        char *r = ask_form(s, &f);
        CHECK_INT(code_of(r), 200);
        cJSON *j = json_body(r);
        str_free(&base64);
        str_add(&base64, "data:image/png;base64,");
        char *text = text_of(json_path);
        cJSON *segmented = cJSON_Parse(text);
        const char *labels = cJSON_GetObjectItem(j, "labels")->valuestring;
        base64_add(&base64, png.at, png.n);
        CHECK_TEXT(labels, base64.at);
        CHECK_INT(cJSON_GetArraySize(cJSON_GetObjectItem(j, "legend")), 4);
        CHECK(cJSON_GetObjectItem(cJSON_GetObjectItem(j, "maps"), "best_scores"));
        cJSON_DeleteItemFromObject(j, "labels");
        cJSON_DeleteItemFromObject(j, "legend");
        cJSON_DeleteItemFromObject(j, "maps");
        CHECK(cJSON_Compare(j, segmented, true));
        cJSON_Delete(j);
        cJSON_Delete(segmented);
        free(text);
        free(r);
    }
    str_free(&base64);
    bytes_free(&file);
    bytes_free(&png);
    free(out);
    free(png_path);
    free(json_path);
}

/* Every socket that listens and is of this process is on the loopback address. */
static void check_loopback_alone(const struct server *s) {
    static const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6"};
    size_t ours = 0;
    for (size_t t = 0; t < 2; t++) {
        struct bytes b = {0};
        if (file_read_stream(tables[t], 1 << 24, &b)) error_clear();
        for (char *line = (char *)b.at; line && *line; line = strchr(line, '\n') + 1) {
            char address[40];
            unsigned port, state;
            if (sscanf(line, " %*d: %39[0-9A-F]:%x %*[^ ] %x", address, &port, &state) != 3 ||
                state != 10 || port != (unsigned)s->port)
                continue;
            ours++;
            CHECK_TEXT(address, "0100007F");
        }
        bytes_free(&b);
    }
    CHECK_INT(ours, 1);
}

static void check_page(const struct server *s) {
    char *text =
        mem_format("GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n", s->port);
    char *r = ask_text(s, text);
    CHECK_INT(code_of(r), 200);
    CHECK_HAS(r, "Content-Security-Policy: default-src 'none'; script-src 'nonce-");
    CHECK_HAS(r, "X-Content-Type-Options: nosniff");
    CHECK(!strstr(r, "Access-Control-"));
    CHECK_HAS(r, "<script nonce=\"");
    CHECK(!strstr(r, "{{nonce}}"));
    CHECK(!strstr(body_of(r), "http:") &&
          !strstr(body_of(r), "https:")); /* nothing from elsewhere */
    free(r);
    free(text);
}

static const char SCRIPT[] = TEST_SOURCE_DIR "/tests/browser/serve.py";

/* Python and chromium are there on a machine for development. */
static void check_in_browser(const struct server *s, const char *picture) {
    static const char *const programs[] = {"/usr/bin/chromium", "/usr/bin/chromium-browser",
                                           "/usr/bin/google-chrome", NULL};
    const char *const *program = programs;
    while (*program && access(*program, X_OK) != 0) program++;
    if (!*program || access("/usr/bin/python3", X_OK) != 0) test_skip("needs chromium and python3");
    char *url = mem_format("http://127.0.0.1:%d/", s->port), *shots = test_path("shots");
    CHECK_OK(dir_make(shots));
    const char *const argv[] = {"/usr/bin/python3", SCRIPT, *program, url, picture, shots, NULL};
    struct process p;
    process_start(&p, argv, NULL);
    struct ended e = process_wait(&p, 240);
    check_status(&e, 0);
    CHECK_HAS(e.out, "\"legend\"");
    ended_free(&e);
    free(url);
    free(shots);
}

TEST(its_end_point_gives_what_ovseg_segment_writes) {
    char *picture, *package = make_package(&picture);
    struct server s;
    SERVE(&s, package, "-q");
    check_loopback_alone(&s);
    check_page(&s);
    check_same_as_segment(&s, package, picture, "sky,a red car,grass,tree");
    stop(&s, SIGINT);
    free(package);
    free(picture);
}

TEST(a_picture_dropped_in_a_browser_gives_the_overlay) {
    char *picture, *package = make_package(&picture);
    struct server s;
    SERVE(&s, package, "-q");
    check_in_browser(&s, picture);
    stop(&s, SIGTERM);
    free(package);
    free(picture);
}

/* ---- with any model ---- */

TEST(a_full_queue_says_when_to_come_again_and_waiting_has_a_place) {
    struct server s;
    struct bytes large = {0};
    struct str request = {0}, first = {0}, second = {0};
    picture_png(2400, 3000, &large);
    SERVE_MADE(&s, "--queue", "1", "--classes", "sky,grass,tree,house,car,road");
    struct form f = {
        .picture = large.at, .n = large.n, .maps = "1", .accept = "application/x-ndjson"};
    form_request(&s, &f, &request);
    int a = dial(&s), b = dial(&s);
    put(a, request.at, request.n);
    get(a, 30, "{\"position\":0}", &first);
    put(b, request.at, request.n);
    get(b, 30, "{\"position\":1}", &second);
    CHECK_HAS(second.at, "{\"position\":1}");
    char *third = ask(&s, request.at, request.n);
    CHECK_INT(code_of(third), 503);
    CHECK_HAS(third, "Retry-After: ");
    CHECK_HAS(third, "too many pictures are waiting");
    close(b); /* whoever goes away leaves its place to others */
    get(a, 120, NULL, &first);
    CHECK_HAS(first.at, "\"format\":\"ovseg segmentation\"");
    close(a);
    nap(0.6);
    check_lives(&s);
    stop(&s, SIGTERM);
    free(third);
    str_free(&request);
    str_free(&first);
    str_free(&second);
    bytes_free(&large);
}

/* A request that is put whole, by a client that says so and listens on. */
static void check_half_closed(const struct server *s, const struct str *request) {
    struct str r = {0};
    int fd = dial(s);
    CHECK(put(fd, request->at, request->n));
    CHECK(shutdown(fd, SHUT_WR) == 0);
    get(fd, 120, NULL, &r);
    CHECK_HAS(r.at, "HTTP/1.1 200");
    CHECK_HAS(r.at, "\"format\":\"ovseg segmentation\"");
    close(fd);
    str_free(&r);
}

TEST(whoever_listens_on_gets_the_answer_and_whoever_is_gone_leaves_a_place) {
    static const char *const kinds[] = {"*/*", "application/x-ndjson"};
    struct server s;
    struct bytes large = {0}, small = {0};
    struct str busy = {0};
    picture_png(2400, 3000, &large);
    picture_png(24, 32, &small);
    SERVE_MADE(&s, "-q", "--queue", "1", "--classes", "sky,grass,tree,house,car,road");
    struct form f = {.picture = large.at, .n = large.n, .accept = "application/x-ndjson"};
    form_request(&s, &f, &busy);
    for (size_t i = 0; i < 2; i++) {
        struct str request = {0}, first = {0}, next = {0};
        struct form one = {.picture = small.at, .n = small.n, .accept = kinds[i]};
        form_request(&s, &one, &request);
        check_half_closed(&s, &request);
        int a = dial(&s), b = dial(&s);
        put(a, busy.at, busy.n);
        get(a, 30, "{\"position\":0}", &first);
        put(b, request.at, request.n);
        close(b);
        nap(0.6); /* the server looks four times a second */
        b = dial(&s);
        put(b, busy.at, busy.n);
        get(b, 30, "}\n", &next);
        CHECK_HAS(next.at, "{\"position\":");
        close(b);
        nap(0.6);
        check_half_closed(&s, &request); /* waits behind the first, in the place of the second */
        get(a, 120, NULL, &first);
        CHECK_HAS(first.at, "\"format\":\"ovseg segmentation\"");
        close(a);
        str_free(&request);
        str_free(&first);
        str_free(&next);
    }
    stop(&s, SIGTERM);
    str_free(&busy);
    bytes_free(&large);
    bytes_free(&small);
}
