#include "data/known_archives.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "data/file_digest.h"
#include "data/sources.h"

int known_archive_check(const char *path, bool strict) {
    char hex[DIGEST_HEX];
    const struct source_file *published = source_file_find(path_base(path), NULL);
    const char *want = published ? published->md5 : NULL;
    if (!want) return 0;
    log_info("%s: comparing with the published MD5", path);
    int status = file_digest(path, DIGEST_MD5, NULL, hex);
    if (status) return status;
    if (strcmp(hex, want) == 0) return 0;
    if (strict)
        return error_set(ERR_DATA,
                         "%s: is not the published file (MD5 %s, published %s): get it "
                         "again",
                         path, hex, want);
    log_warn("%s: is not the published file (MD5 %s, published %s)", path, hex, want);
    return 0;
}
