/* How threads of OpenMP wait for work, said before OpenMP reads it.
 *
 * GNU's library has a thread that waits look at a number 300,000 times before it sleeps: a
 * millisecond or so in which nobody else can have the core. That is as long as many a product
 * takes, and where other programs run, too, the thread that is waited for is kept off its core by
 * those that wait for it: two threads on two busy cores took five times as long as threads that
 * sleep at once, and burnt nine times their processor time (bench/WAITING.md).
 *
 * Only the environment can say so, and it is read while libraries are loaded, before main. So the
 * program starts itself a second time, out of a function that runs ahead of all libraries' own
 * (10 ms), unless the user has said how threads wait.
 */
/* NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE /* syscall() */
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ENV_MAX = 4096 };

static char said[] = "GOMP_SPINCOUNT=1000";

static bool user_says(char **env) {
    for (; *env; env++)
        if (strncmp(*env, "GOMP_SPINCOUNT=", 15) == 0 || strncmp(*env, "OMP_WAIT_POLICY=", 16) == 0)
            return true;
    return false;
}

/* The path it was started by, so that ps shows the same name; NULL where a loader that was called
 * by hand stands between. `end`: of the environment, behind which the kernel's words lie. */
static const char *path_of(char **end) {
    const char *path = NULL;
    bool loaded = false;
    for (const ElfW(auxv_t) *a = (const void *)(end + 1); a->a_type != AT_NULL; a++) {
        if (a->a_type == AT_EXECFN) memcpy(&path, &a->a_un.a_val, sizeof path);
        if (a->a_type == AT_BASE) loaded = a->a_un.a_val != 0;
    }
    return loaded ? path : NULL;
}

/* No library is ready yet, libc among them: the stack and system calls are all there is. */
static void start_again(int argc, char **argv, char **env) {
    char *with[ENV_MAX + 2];
    size_t n = 0;
    (void)argc;
    while (env[n]) n++;
    const char *path = path_of(env + n);
    if (user_says(env) || n > ENV_MAX || !path) return;
    for (size_t i = 0; i < n; i++) with[i] = env[i];
    with[n] = said;
    with[n + 1] = NULL;
    syscall(SYS_execve, path, argv, with); /* comes back only when it cannot */
}

/* The sanitizers' libraries want to be first themselves. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
__attribute__((section(".preinit_array"), used)) static void (*const first)(int, char **,
                                                                            char **) = start_again;
#endif
