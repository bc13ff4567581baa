/* A server of ovseg serve in a process of its own, and requests to it by sockets. */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "data/image.h"
#include "tests/e2e/process.h"
#include "tests/json_of.h"
#include "tests/package_made.h"

static inline void nap(double s) {
    struct timespec t = {(time_t)s, (long)((s - (double)(time_t)s) * 1e9)};
    nanosleep(&t, NULL);
}

static const char PROGRAM_FILE[] = TEST_BUILD_DIR "/bin/ovseg";

struct server {
    struct process process;
    int port;
};

/* ---- the server ---- */

/* ovseg serve MODEL --port 0 and these; once it has printed its address. */
static inline void serve(struct server *s, const char *model, const char *const *more) {
    const char *argv[24] = {PROGRAM_FILE, "serve", model, "--port", "0"};
    for (size_t i = 0; more && more[i]; i++) argv[5 + i] = more[i];
    process_start(&s->process, argv, NULL);
    double until = clock_s() + 60;
    for (s->port = 0; !s->port && clock_s() < until; nap(0.02)) {
        char *said = text_of(s->process.out);
        if (strchr(said, '\n')) CHECK(sscanf(said, "http://127.0.0.1:%d/", &s->port) == 1);
        free(said);
        if (process_ended(&s->process)) break;
    }
    if (!s->port) test_fail(__FILE__, __LINE__, "no address: %s", text_of(s->process.err));
}
#define SERVE(s, model, ...) serve(s, model, (const char *const[]){__VA_ARGS__, NULL})

static inline void stop(struct server *s, int signo) {
    CHECK(kill(s->process.pid, signo) == 0);
    struct ended e = process_wait(&s->process, 30);
    check_status(&e, 128 + signo);
    CHECK_HAS(e.err, "pictures were segmented");
    ended_free(&e);
}

static inline int64_t status_of(const struct server *s,
                                const char *key) { /* of /proc/PID/status, kB */
    char *path = mem_format("/proc/%d/status", (int)s->process.pid);
    struct bytes b;
    CHECK_OK(file_read_stream(path, 1 << 16, &b));
    const char *at = strstr((const char *)b.at, key);
    CHECK(at);
    int64_t kb = strtoll(at + strlen(key) + 1, NULL, 10);
    bytes_free(&b);
    free(path);
    return kb;
}

static inline size_t open_files(const struct server *s) {
    char *path = mem_format("/proc/%d/fd", (int)s->process.pid);
    struct strings names = {0};
    CHECK_OK(dir_list(path, &names));
    size_t n = names.n;
    strings_free(&names);
    free(path);
    return n;
}

/* ---- requests ---- */

static inline int dial(const struct server *s) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)s->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

/* What the other side takes; it may have had enough before all is sent. */
static inline bool put(int fd, const void *bytes, size_t n) {
    for (size_t i = 0; i < n;) {
        ssize_t k = send(fd, (const char *)bytes + i, n - i, MSG_NOSIGNAL);
        if (k <= 0) return false;
        i += (size_t)k;
    }
    return true;
}

/* All that comes until the end of the connection, at most so long; or, `until`, that text. */
static inline void get(int fd, double seconds, const char *until, struct str *out) {
    static char piece[1 << 16];
    double end = clock_s() + seconds;
    while (clock_s() < end && !(until && out->at && strstr(out->at, until))) {
        struct pollfd p = {fd, POLLIN, 0};
        if (poll(&p, 1, 100) <= 0) continue;
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n <= 0) return;
        str_put(out, piece, (size_t)n);
    }
}

static inline char *ask(const struct server *s, const void *bytes, size_t n) {
    struct str out = {0};
    int fd = dial(s);
    put(fd, bytes, n);
    get(fd, 60, NULL, &out);
    close(fd);
    return out.at ? out.at : mem_strdup("");
}

static inline char *ask_text(const struct server *s, const char *text) {
    return ask(s, text, strlen(text));
}

struct form {
    const char *file_name, *names, *maps, *accept;
    const void *picture;
    size_t n;
};

static inline void form_request(const struct server *s, const struct form *f, struct str *out) {
    struct str body = {0};
    if (f->names)
        str_add(&body, "--BB\r\nContent-Disposition: form-data; name=\"names\"\r\n\r\n%s\r\n",
                f->names);
    if (f->maps)
        str_add(&body, "--BB\r\nContent-Disposition: form-data; name=\"maps\"\r\n\r\n%s\r\n",
                f->maps);
    str_add(&body,
            "--BB\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"%s\"\r\n\r\n",
            f->file_name ? f->file_name : "p.png");
    str_put(&body, f->picture, f->n);
    str_add(&body, "\r\n--BB--\r\n");
    str_add(out,
            "POST /segment HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\nAccept: %s\r\n"
            "Content-Type: multipart/form-data; boundary=BB\r\nContent-Length: %zu\r\n\r\n",
            s->port, f->accept ? f->accept : "*/*", body.n);
    str_put(out, body.at, body.n);
    str_free(&body);
}

static inline char *ask_form(const struct server *s, const struct form *f) {
    struct str r = {0};
    form_request(s, f, &r);
    char *out = ask(s, r.at, r.n);
    str_free(&r);
    return out;
}

static inline int code_of(const char *response) {
    int code = 0;
    return sscanf(response, "HTTP/1.1 %d", &code) == 1 ? code : 0;
}

static const char *body_of(const char *response) {
    const char *at = strstr(response, "\r\n\r\n");
    return at ? at + 4 : "";
}

static inline cJSON *json_body(const char *response) { return json_of_text(body_of(response)); }

static inline void picture_png(int64_t h, int64_t w, struct bytes *png) {
    struct image im;
    CHECK_OK(image_alloc(&im, h, w, 3));
    for (int64_t i = 0; i < h * w * 3; i++) im.at[i] = (uint8_t)(i / 90 * 7 % 251);
    CHECK_OK(image_encode_png(&im, png));
    image_free(&im);
}

static inline void check_lives(const struct server *s) {
    struct bytes png = {0};
    picture_png(24, 32, &png);
    struct form f = {.names = "sky,grass", .picture = png.at, .n = png.n};
    char *r = ask_form(s, &f);
    if (code_of(r) != 200) test_fail(__FILE__, __LINE__, "%.400s", r);
    free(r);
    bytes_free(&png);
}

/* ---- with a model that is made in a moment ---- */

static inline void serve_made(struct server *s, const char *const *more) {
    char *file = made_whole(), *package = made_package(file, "made.ovseg");
    serve(s, package, more);
    free(file);
    free(package);
}
#define SERVE_MADE(s, ...) serve_made(s, (const char *const[]){__VA_ARGS__, NULL})
