/* Requests that mean harm, to ovseg serve: it answers, or ends the connection; it goes on, within a
 * stated memory, and loses no file. */
/* ctest: timeout=600 labels=slow */
#include <sys/resource.h>

#include "tests/e2e/process.h"
#include "tests/e2e/serving.h"
#include "tests/package_made.h"

#ifdef __SANITIZE_ADDRESS__
enum { FREED = 512 << 10 }; /* kB that the sanitizer keeps back */
#else
enum { FREED = 0 };
#endif
enum {
    MORE_MEMORY = (16 << 10) + FREED, /* kB that all of this may leave behind; measured: 504 */
    PEAK = (64 << 10) + FREED,        /* kB above the model at any time; measured: 1716 */
};

/* ---- forms ---- */

#define HEAD "Host: localhost\r\nConnection: close\r\n"

struct harm {
    const char *what;
    int code; /* of the answer; 0: the connection may just end */
    const char *says;
};

/* A form of one picture of these bytes. */
static void send_picture(const struct server *s, const void *bytes, size_t n, struct harm h) {
    struct form f = {.names = "sky,grass", .picture = bytes, .n = n};
    char *r = ask_form(s, &f);
    if (code_of(r) != h.code || !strstr(r, h.says))
        test_fail(__FILE__, __LINE__, "%s: %.500s", h.what, r);
    free(r);
}

static void send_names(const struct server *s, const char *names, struct harm h) {
    struct bytes png = {0};
    picture_png(8, 8, &png);
    struct form f = {.names = names, .picture = png.at, .n = png.n};
    char *r = ask_form(s, &f);
    if (code_of(r) != h.code || !strstr(r, h.says))
        test_fail(__FILE__, __LINE__, "%s: %.500s", h.what, r);
    free(r);
    bytes_free(&png);
}

static void send_text(const struct server *s, const char *text, struct harm h) {
    char *r = ask_text(s, text);
    bool ended = !h.code && !*r;
    if (!ended && (h.code ? code_of(r) != h.code : code_of(r) < 400 || code_of(r) >= 600))
        test_fail(__FILE__, __LINE__, "%s: %.500s", h.what, r);
    free(r);
}

static uint32_t crc(const uint8_t *p, size_t n) {
    uint32_t c = 0xffffffffU;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++) c = c & 1 ? 0xedb88320U ^ (c >> 1) : c >> 1;
    }
    return c ^ 0xffffffffU;
}

/* The size that a PNG claims, and its check sum made true. */
static void claim(uint8_t *png, uint32_t w, uint32_t h) {
    for (int i = 0; i < 4; i++) {
        png[16 + i] = (uint8_t)(w >> (24 - 8 * i));
        png[20 + i] = (uint8_t)(h >> (24 - 8 * i));
    }
    uint32_t sum = crc(png + 12, 17);
    for (int i = 0; i < 4; i++) png[29 + i] = (uint8_t)(sum >> (24 - 8 * i));
}

static void bad_pictures(const struct server *s) {
    static const struct {
        const char *what, *bytes;
    } texts[] = {{"text", "hello"},
                 {"a web page", "<!DOCTYPE html><script>1</script>"},
                 {"a GIF", "GIF89a\1\1"},
                 {"SVG", "<svg xmlns='http://www.w3.org/2000/svg'/>"},
                 {"a TIFF", "II*"},
                 {"half a JPEG's mark", "\xff\xd8\xff"},
                 {"a script", "#!/bin/sh"},
                 {"a zip", "PK\3\4 a bomb"},
                 {"RIFF", "RIFF\xff\xff\xff\xffWEBPVP8 "}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        send_picture(s, texts[i].bytes, strlen(texts[i].bytes),
                     (struct harm){texts[i].what, 422, "\"error\""});
    char *path = test_source("tests/golden/images/grey16.png");
    struct bytes deep;
    CHECK_OK(file_read(path, 1 << 20, &deep));
    send_picture(s, deep.at, deep.n,
                 (struct harm){"grey of 16 bits", 422, "\"remedy\":\"convert it to 8 bits\""});
    bytes_free(&deep);
    free(path);
    static const uint32_t sizes[][2] = {
        {60000, 60000}, {16384, 16384}, {0, 5}, {0x7fffffff, 1}, {6000, 6000}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct bytes png = {0};
        picture_png(40, 40, &png);
        claim(png.at, sizes[i][0], sizes[i][1]);
        send_picture(s, png.at, png.n, (struct harm){"a bomb", i == 4 ? 413 : 422, "\"error\""});
        bytes_free(&png);
    }
    struct image im;
    struct bytes jpeg = {0}, png = {0};
    CHECK_OK(image_alloc(&im, 300, 300, 3));
    for (int64_t i = 0; i < 300 * 300 * 3; i++) im.at[i] = (uint8_t)(i * 31 % 255);
    CHECK_OK(image_encode_jpeg(&im, 90, &jpeg));
    picture_png(300, 300, &png);
    for (int i = 1; i < 4; i++)
        send_picture(s, jpeg.at, jpeg.n * (size_t)i / 4, (struct harm){"a cut JPEG", 422, "error"});
    for (int i = 1; i < 4; i++)
        send_picture(s, png.at, png.n * (size_t)i / 4, (struct harm){"a cut PNG", 422, "error"});
    send_picture(s, "", 0, (struct harm){"nothing", 400, "picture is empty"});
    image_free(&im);
    bytes_free(&jpeg);
    bytes_free(&png);
}

static void bad_names(const struct server *s) {
    struct str many = {0};
    for (int i = 0; i < 1100; i++) str_add(&many, "n%d\n", i);
    send_names(s, many.at, (struct harm){"1100 names", 400, "more than 1000"});
    str_free(&many);
    while (many.n < 1 << 20) str_add(&many, "a name,");
    send_names(s, many.at,
               (struct harm){"1 MB of names", 400, "names is too long: more than 65536"});
    many.at[300] = '\0';
    send_names(s, "sky,\xff\xfe", (struct harm){"no UTF-8", 400, "no UTF-8"});
    send_names(s, "sky,\xc0\x80", (struct harm){"an overlong NUL", 400, "no UTF-8"});
    send_names(s, "sky,Sky", (struct harm){"a name twice", 400, "sky"});
    send_names(s,
               "a\x01"
               "b,c",
               (struct harm){"a control character", 400, "control"});
    memset(many.at, 'x', 300);
    send_names(s, many.at, (struct harm){"a name of 300 bytes", 400, "200"});
    send_names(s, "<script>alert(1)</script>,\"};", (struct harm){"a script", 200, "\\\"};"});
    str_free(&many);
}

/* Fields around one picture; `extra` is a whole part of the form. */
static void send_parts(const struct server *s, const char *extra, struct harm h) {
    struct bytes png = {0};
    struct str body = {0}, all = {0};
    picture_png(8, 8, &png);
    str_add(&body, "%s", extra);
    str_add(&body, "--BB\r\nContent-Disposition: form-data; name=\"picture\"\r\n\r\n");
    str_put(&body, png.at, png.n);
    str_add(&body, "\r\n--BB--\r\n");
    str_add(&all,
            "POST /segment HTTP/1.1\r\n" HEAD
            "Content-Type: multipart/form-data; boundary=BB\r\nContent-Length: %zu\r\n\r\n",
            body.n);
    str_put(&all, body.at, body.n);
    char *r = ask(s, all.at, all.n);
    if (code_of(r) != h.code || !strstr(r, h.says))
        test_fail(__FILE__, __LINE__, "%s: %.500s", h.what, r);
    free(r);
    str_free(&all);
    str_free(&body);
    bytes_free(&png);
}

static void bad_fields(const struct server *s) {
#define FIELD(name, value)                                                                         \
    "--BB\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
    static const struct {
        const char *parts;
        struct harm h;
    } all[] = {
        {FIELD("names", "sky") FIELD("names", "car"), {"two names", 400, "two fields names"}},
        {FIELD("names", "sky") FIELD("names", ""), {"names and none", 400, "two fields names"}},
        {FIELD("maps", "1") FIELD("names", "sky") FIELD("maps", "0"),
         {"two maps", 400, "two fields maps"}},
        {FIELD("min_score", "0.1") FIELD("min_score", "2"),
         {"two scores", 400, "two fields min_score"}},
        {FIELD("min_score", "0x10"), {"a hexadecimal score", 400, "min_score is no number"}},
        {FIELD("picture", "x"), {"two pictures", 400, "two pictures"}},
        {FIELD("sizes", "1"), {"another field", 400, "a field \\\"sizes\\\""}},
        {FIELD("names", "sky,car") FIELD("min_score", "0.1"), {"none wrong", 200, "\"car\""}},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) send_parts(s, all[i].parts, all[i].h);
}

/* ---- heads ---- */

static void bad_heads(const struct server *s) {
    static const struct {
        const char *text;
        int code;
    } heads[] = {
        {"GET /../../etc/passwd HTTP/1.1\r\n" HEAD "\r\n", 404},
        {"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n" HEAD "\r\n", 404},
        {"GET //etc/passwd HTTP/1.1\r\n" HEAD "\r\n", 404},
        {"GET /model%00.html HTTP/1.1\r\n" HEAD "\r\n", 0},
        {"DELETE / HTTP/1.1\r\n" HEAD "\r\n", 405},
        {"OPTIONS /segment HTTP/1.1\r\n" HEAD "\r\n", 405},
        {"PUT /segment HTTP/1.1\r\n" HEAD "Content-Length: 4\r\n\r\nabcd", 405},
        {"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 421},
        {"GET / HTTP/1.1\r\nHost: localhost.evil.example\r\nConnection: close\r\n\r\n", 421},
        {"GET / HTTP/1.1\r\nHost: 8.8.8.8\r\nConnection: close\r\n\r\n", 421},
        {"GET / HTTP/1.0\r\n\r\n", 421},
        {"GET / HTTP/1.1\r\n" HEAD "Host: localhost\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HEAD "host: evil.example\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\n" HEAD "Origin: http://evil.example\r\n\r\n", 403},
        {"GET / HTTP/1.1\r\n" HEAD "Origin: null\r\n\r\n", 403},
        {"POST /segment HTTP/1.1\r\n" HEAD "Content-Length: 2147483648\r\nContent-Type: "
         "multipart/form-data; boundary=BB\r\n\r\n",
         413},
        {"POST /segment HTTP/1.1\r\n" HEAD "Content-Length: 99999999999999999999999\r\n\r\n", 0},
        {"POST /segment HTTP/1.1\r\n" HEAD "Content-Length: -5\r\n\r\n", 0},
        {"POST /segment HTTP/1.1\r\n" HEAD
         "Content-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello",
         415},
        {"POST /segment HTTP/1.1\r\n" HEAD
         "Content-Length: 5\r\nContent-Type: multipart/form-data\r\n\r\nhello",
         415},
        {"POST /segment HTTP/1.1\r\n" HEAD
         "Content-Length: 5\r\nContent-Type: multipart/form-data; "
         "boundary=BB\r\n\r\nhello",
         400},
        {"POST /segment HTTP/1.1\r\n" HEAD
         "Content-Length: 0\r\nContent-Type: multipart/form-data; "
         "boundary=BB\r\n\r\n",
         400},
        {"POST /segment HTTP/1.1\r\n" HEAD "Transfer-Encoding: chunked\r\nContent-Type: "
         "multipart/form-data; boundary=BB\r\n\r\nzzz\r\nno length\r\n",
         0},
        {"\x16\x03\x01\x02\x01\x01\xfc\x03\x03 a TLS hello\r\n\r\n", 0},
        {"SSH-2.0-OpenSSH_9.2\r\n\r\n", 0},
        {"GET\r\n\r\n", 0},
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        send_text(s, heads[i].text, (struct harm){heads[i].text, heads[i].code, ""});
    struct str large = {0};
    str_add(&large, "GET / HTTP/1.1\r\n" HEAD "X: ");
    for (int i = 0; i < 200000; i++) str_put(&large, "x", 1);
    str_add(&large, "\r\n\r\n");
    send_text(s, large.at, (struct harm){"a huge header", 0, ""});
    str_free(&large);
    str_add(&large, "GET /");
    for (int i = 0; i < 100000; i++) str_put(&large, "a", 1);
    str_add(&large, " HTTP/1.1\r\n" HEAD "\r\n");
    send_text(s, large.at, (struct harm){"a huge path", 0, ""});
    str_free(&large);
}

/* ---- what does not end ---- */

static void endless_chunks(const struct server *s) {
    static char chunk[1 << 16];
    char head[16];
    struct str r = {0};
    int fd = dial(s);
    static const char request[] = "POST /segment HTTP/1.1\r\n" HEAD
                                  "Transfer-Encoding: chunked\r\nContent-Type: "
                                  "multipart/form-data; boundary=BB\r\n\r\n";
    static const char begins[] =
        "4C\r\n--BB\r\nContent-Disposition: form-data; name=\"picture\"; "
        "filename=\"x\"\r\n\r\n\xff\xd8\xff!!!!\r\n";
    put(fd, request, sizeof request - 1);
    put(fd, begins, sizeof begins - 1);
    int n = snprintf(head, sizeof head, "%zx\r\n", sizeof chunk);
    bool taken = true;
    for (int i = 0; taken && i < 8000; i++) /* 500 MB */
        taken = put(fd, head, (size_t)n) && put(fd, chunk, sizeof chunk) && put(fd, "\r\n", 2);
    CHECK(!taken); /* it had enough before that */
    get(fd, 5, NULL, &r);
    str_free(&r);
    close(fd);
}

/* One byte now and then, of a head and of a body: both are given up. */
static void slow(const struct server *s) {
    static const char head[] = "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";
    static const char body[] = "POST /segment HTTP/1.1\r\n" HEAD
                               "Content-Length: 1000\r\nContent-Type: "
                               "multipart/form-data; boundary=BB\r\n\r\n--BB\r\n";
    int a = dial(s), b = dial(s);
    put(a, head, sizeof head - 1);
    put(b, body, sizeof body - 1);
    bool a_lives = true, b_lives = true;
    double until = clock_s() + 20;
    while ((a_lives || b_lives) && clock_s() < until) {
        a_lives = a_lives && put(a, "x", 1);
        b_lives = b_lives && put(b, "x", 1);
        nap(0.25);
    }
    CHECK(!a_lives);
    CHECK(!b_lives);
    close(a);
    close(b);
}

/* Nobody waits for the answers. */
static void gone(const struct server *s) {
    struct bytes png = {0};
    struct str r = {0};
    picture_png(200, 200, &png);
    struct form f = {.names = "sky,grass", .picture = png.at, .n = png.n};
    form_request(s, &f, &r);
    for (int i = 0; i < 30; i++) {
        int fd = dial(s);
        put(fd, r.at, i % 2 ? r.n : r.n / 2);
        close(fd);
    }
    str_free(&r);
    bytes_free(&png);
}

static void thousands(const struct server *s) {
    enum { AT_ONCE = 500, ROUNDS = 6 };
    static int fd[AT_ONCE];
    struct rlimit most;
    getrlimit(RLIMIT_NOFILE, &most);
    most.rlim_cur = most.rlim_max < 4096 ? most.rlim_max : 4096;
    setrlimit(RLIMIT_NOFILE, &most);
    for (int round = 0; round < ROUNDS; round++) {
        int n = 0;
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)s->port)};
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        for (int i = 0; i < AT_ONCE; i++) {
            int one = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            if (one < 0) break;
            if (connect(one, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) break;
            fd[n++] = one;
        }
        nap(0.2);
        CHECK(open_files(s) < 200); /* it takes in so many at a time */
        for (int i = 0; i < n; i++) close(fd[i]);
    }
}

static void settle(const struct server *s, size_t files) {
    double until = clock_s() + 30;
    while (open_files(s) > files && clock_s() < until) nap(0.1);
    CHECK_INT(open_files(s), files);
}

TEST(hostile_requests_leave_it_running_within_its_memory) {
    struct server s;
    SERVE_MADE(&s, "-q", "--max-upload", "4M", "--timeout", "3s");
    check_lives(&s);
    nap(0.5);
    size_t files = open_files(&s);
    int64_t before = status_of(&s, "VmRSS");
    bad_pictures(&s);
    bad_names(&s);
    bad_fields(&s);
    bad_heads(&s);
    check_lives(&s);
    endless_chunks(&s);
    slow(&s);
    gone(&s);
    thousands(&s);
    settle(&s, files);
    check_lives(&s);
    settle(&s, files);
    int64_t after = status_of(&s, "VmRSS"), peak = status_of(&s, "VmHWM");
    printf("memory: %lld kB before, %lld after, %lld at most\n", (long long)before,
           (long long)after, (long long)peak);
    CHECK(after < before + MORE_MEMORY);
    CHECK(peak < before + PEAK);
    stop(&s, SIGTERM);
}

/* More than there are places, each gone before the server has looked at what it sent. */
static void break_off(const struct server *s, const struct str *request, size_t n) {
    for (int i = 0; i < 12; i++) {
        int fd = dial(s);
        put(fd, request->at, n);
        close(fd);
    }
}

TEST(uploads_that_are_broken_off_leave_their_places) {
    struct server s;
    struct bytes png = {0};
    struct str request = {0};
    SERVE_MADE(&s, "-q", "--queue", "2");
    picture_png(300, 400, &png);
    str_add(&request, "POST /segment HTTP/1.1\r\n" HEAD
                      "Content-Length: 1000000\r\nContent-Type: "
                      "multipart/form-data; boundary=BB\r\n\r\n");
    size_t head = request.n;
    str_add(&request, "--BB\r\nContent-Disposition: form-data; name=\"picture\"\r\n\r\n");
    while (request.n < head + 200000) str_put(&request, png.at, png.n);
    const size_t sent[] = {head, head + 10, head + 200000};
    for (size_t i = 0; i < sizeof sent / sizeof *sent; i++) {
        break_off(&s, &request, sent[i]);
        nap(2); /* of the 30 s that an upload may take */
        check_lives(&s);
    }
    stop(&s, SIGTERM);
    str_free(&request);
    bytes_free(&png);
}

TEST(seats_are_not_lost_to_uploads_that_stop) {
    struct server s;
    SERVE_MADE(&s, "-q", "--queue", "2", "--timeout", "2s");
    static const char half[] = "POST /segment HTTP/1.1\r\n" HEAD
                               "Content-Length: 1000\r\nContent-Type: "
                               "multipart/form-data; boundary=BB\r\n\r\n--BB\r\n";
    int fd[3];
    for (int i = 0; i < 3; i++) {
        fd[i] = dial(&s);
        put(fd[i], half, sizeof half - 1);
    }
    nap(0.5);
    struct bytes png = {0};
    picture_png(24, 32, &png);
    struct form f = {.names = "sky,grass", .picture = png.at, .n = png.n};
    char *r = ask_form(&s, &f);
    CHECK_INT(code_of(r), 503);
    free(r);
    bytes_free(&png);
    nap(3);
    check_lives(&s);
    for (int i = 0; i < 3; i++) close(fd[i]);
    stop(&s, SIGINT);
}

TEST(beyond_the_loopback_is_asked_for_and_warned_of) {
    struct ended e = OVSEG("serve", "no/such.ovseg");
    check_status(&e, ERR_MISSING);
    ended_free(&e);
    char *file = made_whole(), *package = made_package(file, "made.ovseg");
    e = OVSEG("serve", package, "--listen", "not.an.address");
    check_status(&e, ERR_USAGE);
    CHECK_HAS(e.err, "numeric");
    ended_free(&e);
    struct server s;
    SERVE(&s, package, "--port", "0");
    char *port = mem_format("%d", s.port);
    e = OVSEG("serve", package, "--port", port);
    check_status(&e, ERR_IO);
    CHECK_HAS(e.err, "--port 0");
    ended_free(&e);
    stop(&s, SIGTERM);
    const char *const argv[] = {PROGRAM_FILE, "serve",    package,   "--port",
                                "0",          "--listen", "0.0.0.0", NULL};
    struct process p;
    process_start(&p, argv, NULL);
    for (int i = 0; i < 300 && !file_size(p.out); i++) nap(0.1);
    CHECK(kill(p.pid, SIGTERM) == 0);
    e = process_wait(&p, 30);
    check_status(&e, 143);
    CHECK_HAS(e.out, "http://0.0.0.0:");
    CHECK_HAS(e.err, "is reached from other machines");
    ended_free(&e);
    free(port);
    free(package);
    free(file);
}
