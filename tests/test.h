/* A test is TEST(a_sentence_that_says_what_holds) { ... }; nothing else registers it. A program
 * runs all its tests, or those named in argv; CTest runs each alone. Runner: cmocka.
 *
 * A test that leaves an error pending fails. Tests that use tensors include "tests/torch.h", which
 * adds a scope, a seed and a leak check to every test.
 */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/mem.h"

#define TEST(name)                                                                                 \
    static void name(void);                                                                        \
    __attribute__((constructor)) static void register_##name(void) { test_register(#name, name); } \
    static void name(void)

void test_register(const char *name, void (*body)(void));

/* All checks stop the test at the first that fails. */
_Noreturn void test_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Ends the test as skipped (visible in CTest): for what a machine may lack, never for a failure. */
_Noreturn void test_skip(const char *why);

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) test_fail(__FILE__, __LINE__, "CHECK(%s)", #cond);                            \
    } while (0)

#define CHECK_INT(a, b)                                                                            \
    do {                                                                                           \
        long long a_ = (long long)(a), b_ = (long long)(b);                                        \
        if (a_ != b_) test_fail(__FILE__, __LINE__, "%s = %lld, expected %lld", #a, a_, b_);       \
    } while (0)

#define CHECK_NEAR(a, b, tol)                                                                      \
    do {                                                                                           \
        double a_ = (a), b_ = (b), t_ = (tol);                                                     \
        if (!(fabs(a_ - b_) <= t_))                                                                \
            test_fail(__FILE__, __LINE__, "%s = %.9g, expected %.9g within %g", #a, a_, b_, t_);   \
    } while (0)

#define CHECK_TEXT(a, b)                                                                           \
    do {                                                                                           \
        const char *a_ = (a), *b_ = (b);                                                           \
        if (!a_ || strcmp(a_, b_) != 0)                                                            \
            test_fail(__FILE__, __LINE__, "%s = \"%s\", expected \"%s\"", #a, a_ ? a_ : "(null)",  \
                      b_);                                                                         \
    } while (0)

#define CHECK_HAS(text, part)                                                                      \
    do {                                                                                           \
        const char *a_ = (text), *b_ = (part);                                                     \
        if (!a_ || !strstr(a_, b_))                                                                \
            test_fail(__FILE__, __LINE__, "%s = \"%s\", expected \"%s\" in it", #text,             \
                      a_ ? a_ : "(null)", b_);                                                     \
    } while (0)

/* The call must succeed; its error message is printed when it does not. */
#define CHECK_OK(call)                                                                             \
    do {                                                                                           \
        int s_ = (call);                                                                           \
        if (s_) test_fail(__FILE__, __LINE__, "%s: %d, %s", #call, s_, error_message());           \
    } while (0)

/* The call must fail with this code and a message that mentions `text`; consumes the error. */
#define CHECK_ERROR(call, code, text)                                                              \
    do {                                                                                           \
        int s_ = (call);                                                                           \
        if (s_ != (code) || error_status() != (code) || !strstr(error_message(), text))            \
            test_fail(__FILE__, __LINE__, "%s: %d \"%s\", expected %d about \"%s\"", #call, s_,    \
                      error_message(), (int)(code), text);                                         \
        error_clear();                                                                             \
    } while (0)

/* Runs before and after each test; tests/torch.h sets them. */
extern void (*test_before)(const char *name);
extern void (*test_after)(const char *name);

int test_main(int argc, char **argv); /* runs the tests that argv names, or all */

/* fork(); the child ends at the latest with the program of the test, and at the first check that
 * fails in it. */
pid_t test_fork(void);

/* `ending` is called once, when the running test has ended, well or not; the last one first. Then
 * all processes that the test has started are ended (tests/offspring.h). */
void test_at_end(void (*ending)(void));

/* A fresh folder of the running test, removed when the test ends. */
const char *test_dir(void);
char *test_path(const char *name); /* owned: test_dir()/name */

/* Files of the repository: test_source("tests/golden/x.json"). Owned. */
char *test_source(const char *path);

/* A file of the shared photographs (OVSEG_COCO_MINI); skips the test when the folder is absent. */
char *test_coco_mini(const char *path);
