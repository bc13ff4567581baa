#include "data/file_digest.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"

enum { BLOCK = 1 << 20 };

int file_digest(const char *path, enum digest kind, int (*stop)(void), char hex[DIGEST_HEX]) {
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    int status = 0;
    FILE *f = fopen(path, "rb");
    if (!f) return error_set(ERR_MISSING, "%s: cannot be opened", path);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    uint8_t *block = mem_alloc(BLOCK, 1);
    const EVP_MD *how = kind == DIGEST_MD5 ? EVP_md5() : EVP_sha256();
    bool good = md && EVP_DigestInit_ex(md, how, NULL);
    for (size_t k; good && !status && (k = fread(block, 1, BLOCK, f)) > 0;) {
        good = EVP_DigestUpdate(md, block, k);
        if (stop) status = stop();
    }
    good = good && !ferror(f) && EVP_DigestFinal_ex(md, sum, &n) && 2 * n < DIGEST_HEX;
    EVP_MD_CTX_free(md);
    free(block);
    fclose(f);
    if (status) return status;
    if (!good)
        return error_set(ERR_MISSING, "%s: cannot be read, or this system lacks the hash", path);
    for (unsigned i = 0; i < n; i++) snprintf(hex + 2 * (size_t)i, 3, "%02x", sum[i]);
    return 0;
}
