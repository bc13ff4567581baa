#include "tests/e2e/self.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/test.h"

enum { MOST = 16, VARIABLES = 24 };

/* One that nobody uses now. */
static int free_port(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0 && !bind(fd, (struct sockaddr *)&at, n));
    CHECK(!getsockname(fd, (struct sockaddr *)&at, &n));
    close(fd);
    return ntohs(at.sin_port);
}

void ranks_start(struct process *p, enum self_launcher how, int ranks, const char *const *argv,
                 const char *const *environment) {
    static int job;
    int port = free_port();
    job++;
    CHECK(ranks <= MOST);
    for (int r = 0; r < ranks; r++) {
        char *own[8];
        size_t k = 0, n = 0;
        if (how == BY_ADDRESS) {
            own[k++] = mem_format("RANK=%d", r);
            own[k++] = mem_format("WORLD_SIZE=%d", ranks);
            own[k++] = mem_format("MASTER_ADDR=127.0.0.1");
            own[k++] = mem_format("MASTER_PORT=%d", port);
        } else {
            own[k++] = mem_format("SLURM_PROCID=%d", r);
            own[k++] = mem_format("SLURM_NTASKS=%d", ranks);
            own[k++] = mem_format("SLURM_JOB_ID=%d", (int)getpid());
            own[k++] = mem_format("SLURM_STEP_ID=%d", job);
        }
        const char *with[VARIABLES] = {NO_LEAKS};
        n = 1;
        for (size_t i = 0; i < k; i++) with[n++] = own[i];
        for (size_t i = 0; environment && environment[i]; i++) {
            CHECK(n + 1 < VARIABLES);
            with[n++] = environment[i];
        }
        process_start(&p[r], argv, with);
        for (size_t i = 0; i < k; i++) free(own[i]);
    }
}

struct ended ranks_wait(struct process *p, int ranks, double limit) {
    struct ended all = {0};
    struct str out = {0}, err = {0};
    for (int r = 0; r < ranks; r++) {
        struct ended e = process_wait(&p[r], limit);
        str_add(&out, "%s", e.out);
        str_add(&err, "%s", e.err);
        if (e.status > all.status) all.status = e.status;
        if (e.seconds > all.seconds) all.seconds = e.seconds;
        ended_free(&e);
    }
    all.out = out.at;
    all.err = err.at;
    return all;
}

struct ended self_ranks(enum self_launcher how, int ranks, const char *test,
                        const char *const *environment) {
    char self[4096] = {0}, count[16];
    struct process p[MOST];
    CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    snprintf(count, sizeof count, "%d", ranks);
    if (how != BY_MPIRUN) {
        ranks_start(p, how, ranks, (const char *const[]){self, test, NULL}, environment);
        return ranks_wait(p, ranks, 100);
    }
    if (!*TEST_MPIRUN) test_skip("there is no MPI");
    const char *with[VARIABLES] = {NO_LEAKS};
    for (size_t n = 1; environment && *environment; environment++) {
        CHECK(n + 1 < VARIABLES);
        with[n++] = *environment;
    }
    process_start(p,
                  (const char *const[]){TEST_MPIRUN, "--allow-run-as-root", "--oversubscribe",
                                        "--bind-to", "none", "-np", count, self, test, NULL},
                  with);
    return process_wait(p, 100);
}

void check_self_ranks(enum self_launcher how, int ranks, const char *test,
                      const char *const *environment) {
    struct ended e = self_ranks(how, ranks, test, environment);
    if (e.status) test_fail(__FILE__, __LINE__, "%s: status %d\n%s", test, e.status, e.err);
    ended_free(&e);
}
