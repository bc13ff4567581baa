#include "train/memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"

double memory_free(void) {
    struct bytes text = {0};
    double room = 0, limit = 0, used = 0;
    const char *at = file_read_stream("/proc/meminfo", 1 << 16, &text)
                         ? NULL
                         : strstr((char *)text.at, "MemAvailable:");
    if (at) room = 1024 * strtod(at + 13, NULL);
    bytes_free(&text);
    if (!file_read_stream("/sys/fs/cgroup/memory.max", 256, &text))
        limit = strtod((char *)text.at, NULL);
    bytes_free(&text);
    if (limit > 0 && !file_read_stream("/sys/fs/cgroup/memory.current", 256, &text))
        used = strtod((char *)text.at, NULL);
    bytes_free(&text);
    error_clear();
    return limit > used && limit - used < room ? limit - used : room;
}

double memory_peak(void) {
    struct bytes text = {0};
    double kilobytes = 0;
    const char *at = file_read_stream("/proc/self/status", 1 << 16, &text)
                         ? NULL
                         : strstr((char *)text.at, "VmHWM:");
    if (at) kilobytes = strtod(at + 6, NULL);
    bytes_free(&text);
    return 1024 * kilobytes;
}
