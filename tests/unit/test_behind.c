#include "base/behind.h"

#include <pthread.h>
#include <time.h>

#include "tests/test.h"

struct job {
    int number, result;
    bool bad, elsewhere; /* the second: in another thread than the caller */
};

static pthread_t caller;

/* Early ones take longest, so that those behind them are finished first. */
static int square(void *ctx, void *at) {
    struct job *j = at;
    j->elsewhere = !pthread_equal(pthread_self(), *(pthread_t *)ctx);
    nanosleep(&(struct timespec){.tv_nsec = 1000000L * (7 - j->number % 8)}, NULL);
    j->result = j->number * j->number;
    return j->bad ? error_set(ERR_IO, "job %d: no", j->number) : 0;
}

static struct behind *open_behind(int threads, size_t jobs, size_t bytes) {
    caller = pthread_self();
    struct behind *b = behind_open((struct behind_options){threads, jobs, bytes}, square, &caller);
    CHECK(b);
    return b;
}

static void run(int threads, size_t jobs) {
    enum { N = 40, BAD = 11 };
    struct job job[N];
    struct behind *b = open_behind(threads, jobs, 1000);
    int taken = 0;
    for (int i = 0; i < N || behind_any(b);) {
        if (i < N && behind_room(b, 1)) {
            job[i] = (struct job){.number = i, .bad = i == BAD};
            behind_put(b, &job[i++], 1);
            continue;
        }
        void *at;
        if (taken == BAD)
            CHECK_ERROR(behind_take(b, &at), ERR_IO, "job 11: no");
        else
            CHECK_OK(behind_take(b, &at));
        CHECK(at == &job[taken]);
        CHECK_INT(job[taken].result, taken * taken);
        CHECK_INT(job[taken].elsewhere, threads > 0);
        taken++;
    }
    CHECK_INT(taken, N);
    behind_close(b);
}

TEST(jobs_come_back_in_order_and_an_error_is_that_of_its_job) {
    run(0, 1);
    run(1, 1);
    run(1, 4);
    run(3, 7);
}

TEST(jobs_and_their_bytes_are_bounded_and_a_large_one_is_alone) {
    struct job job[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    void *at;
    struct behind *b = open_behind(2, 2, 100);
    CHECK(behind_room(b, 1000));
    behind_put(b, &job[0], 60);
    CHECK(behind_room(b, 40) && !behind_room(b, 41) && !behind_room(b, SIZE_MAX));
    behind_put(b, &job[1], 40);
    CHECK(!behind_room(b, 0));
    CHECK_OK(behind_take(b, &at));
    CHECK(behind_room(b, 60) && !behind_room(b, 61));
    CHECK_OK(behind_take(b, &at));
    behind_put(b, &job[2], 1000);
    CHECK(!behind_room(b, 0));
    CHECK_OK(behind_take(b, &at));
    CHECK(at == &job[2] && !behind_any(b) && !behind_done(b));
    behind_close(b);
}

TEST(work_that_nobody_waited_for_is_finished_when_it_is_closed) {
    struct job job[5] = {{0}};
    struct behind *b = open_behind(2, 5, 100);
    for (int i = 0; i < 5; i++) {
        job[i] = (struct job){.number = i + 2, .bad = i == 3};
        behind_put(b, &job[i], 1);
    }
    behind_close(b);
    for (int i = 0; i < 5; i++) CHECK_INT(job[i].result, (i + 2) * (i + 2));
}
