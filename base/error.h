/* Errors: one slot a thread, the first error wins.
 *
 * Three kinds of failure, three mechanisms:
 *   the outside world (files, configs, peers)  `int` status: 0, or an ERR_* code with error_set()
 *   tensor programs                            sticky: the failing op records the error, later ops
 *                                              do nothing, the caller asks once: error_status()
 *   broken contracts (a bug in this program)   REQUIRE(): print and abort
 *
 * A code is the exit status the program ends with when nobody handles the error (sysexits.h).
 */
#pragma once

#ifdef __cplusplus
#define ERROR_NORETURN [[noreturn]]
extern "C" {
#else
#define ERROR_NORETURN _Noreturn
#endif

enum error_code {
    ERR_USAGE = 64,    /* the command line is wrong */
    ERR_DATA = 65,     /* a file's contents are not what they must be */
    ERR_MISSING = 66,  /* an input does not exist or cannot be read */
    ERR_DEVICE = 69,   /* a device, library or peer is not available */
    ERR_INTERNAL = 70, /* an op failed inside libtorch, or memory ran out */
    ERR_IO = 74,       /* the operating system refused a write or a rename */
    ERR_AGAIN = 75,    /* stopped after a checkpoint: run the same command again */
    ERR_CONFIG = 78,   /* a setting is unknown, missing, out of range or contradicts another */
};

/* Records an error unless one is pending; returns the pending code: `return error_set(...)`. */
int error_set(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#ifdef __clang_analyzer__ /* which cannot know that no error is 0 */
#define error_set(code, ...) (error_set(code, __VA_ARGS__), (code))
#endif

/* Puts "fmt: " before the pending message, so that a caller adds what only it knows. */
int error_context(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

int error_status(void);          /* 0 when nothing is pending */
const char *error_message(void); /* "" when nothing is pending; valid until error_clear() */
void error_clear(void);

#define REQUIRE(cond, ...)                                                                         \
    do {                                                                                           \
        if (!(cond)) error_abort(__FILE__, __LINE__, #cond, __VA_ARGS__);                          \
    } while (0)

ERROR_NORETURN void error_abort(const char *file, int line, const char *cond, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#ifdef __cplusplus
}
#endif
