/* `ovseg submit` with an sbatch of ours in the PATH, which writes down what it is told and given.
 */
#pragma once

#include "tests/e2e/process.h"

/* ovseg COMMAND with the fake sbatch; `more`: of the environment, may be NULL: FAIL_AT=103 has it
 * refuse a call, SAYS=TEXT is what it prints, PATH=... leaves it out. */
#define SUBMIT(more, ...) submit_run("submit", more, (const char *const[]){__VA_ARGS__, NULL})
#define SWEEP(...) submit_run("sweep", NULL, (const char *const[]){__VA_ARGS__, NULL})
struct ended submit_run(const char *command, const char *more, const char *const *arguments);

/* What its call N was told ("args"), or given on its standard input ("script"); ids count from 101.
 * Owned. */
char *submit_call(const char *what, int n);

char *submit_config(const char *name);               /* of the smoke chain; owned */
char *submit_output(void);                           /* where its runs go: output_dir=..., owned */
void submit_put(const char *name, const char *text); /* a config below the test's folder */
