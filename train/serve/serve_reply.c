/* Replies and what stands in their heads. */
#ifdef OVSEG_MICROHTTPD
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "train/serve/serve_page.h"
#include "train/serve/serve_visit.h"

enum { NONCE = 33 }; /* 32 hex digits and NUL */

/* Nothing from elsewhere, and nothing of ours in somebody else's page. */
void serve_head(struct MHD_Response *r, const char *type, const char *nonce) {
    static const char *const fixed[][2] = {{"X-Content-Type-Options", "nosniff"},
                                           {"X-Frame-Options", "DENY"},
                                           {"Referrer-Policy", "no-referrer"},
                                           {"Cross-Origin-Resource-Policy", "same-origin"},
                                           {"Cross-Origin-Opener-Policy", "same-origin"},
                                           {"Cache-Control", "no-store"}};
    char *policy = nonce[0]
                       ? mem_format(
                             "default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; "
                             "img-src 'self' blob: data:; connect-src 'self'; form-action 'none'; "
                             "base-uri 'none'; frame-ancestors 'none'",
                             nonce, nonce)
                       : mem_strdup("default-src 'none'; frame-ancestors 'none'");
    MHD_add_response_header(r, "Content-Type", type);
    MHD_add_response_header(r, "Content-Security-Policy", policy);
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        MHD_add_response_header(r, fixed[i][0], fixed[i][1]);
    free(policy);
}

static enum MHD_Result queue(struct serve_visit *v, int status, struct MHD_Response *r) {
    if (status == SERVE_BUSY) {
        char seconds[16];
        snprintf(seconds, sizeof seconds, "%d", job_retry_after(v->http->queue));
        MHD_add_response_header(r, "Retry-After", seconds);
    }
    if (status == SERVE_WRONG_METHOD) MHD_add_response_header(r, "Allow", "GET, HEAD, POST");
    serve_link_phase(v->link, LINK_SEND);
    enum MHD_Result sent = MHD_queue_response(v->link->connection, (unsigned)status, r);
    MHD_destroy_response(r);
    return sent;
}

enum MHD_Result serve_reply(struct serve_visit *v, int status, const char *type, const char *body,
                            size_t n, bool owned) {
    struct MHD_Response *r = MHD_create_response_from_buffer(
        n, (void *)body, owned ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_MUST_COPY);
    if (!r) {
        if (owned) free((void *)body);
        return MHD_NO;
    }
    serve_head(r, type, "");
    return queue(v, status, r);
}

static bool make_nonce(char out[NONCE]) {
    uint8_t random[NONCE / 2];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) return false;
    for (size_t i = 0; i < sizeof random; i++) snprintf(out + 2 * i, 3, "%02x", random[i]);
    return true;
}

enum MHD_Result serve_reply_page(struct serve_visit *v) {
    char nonce[NONCE];
    struct str page = {0};
    if (!make_nonce(nonce)) return MHD_NO;
    const char *at = serve_page;
    for (const char *mark; (mark = strstr(at, SERVE_NONCE)); at = mark + strlen(SERVE_NONCE)) {
        str_put(&page, at, (size_t)(mark - at));
        str_add(&page, "%s", nonce);
    }
    str_add(&page, "%s", at);
    struct MHD_Response *r =
        MHD_create_response_from_buffer(page.n, page.at, MHD_RESPMEM_MUST_FREE);
    if (!r) {
        str_free(&page);
        return MHD_NO;
    }
    serve_head(r, "text/html; charset=utf-8", nonce);
    return queue(v, SERVE_OK, r);
}
#endif
