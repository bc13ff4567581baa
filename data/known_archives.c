#include "data/known_archives.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

enum { BLOCK = 1 << 20, MD5_BYTES = 16 };

/* As torchvision, PaddleDetection and PyTorch-Encoding have them. */
static const struct {
    const char *name, *md5;
} archives[] = {
    {"train2017.zip", "cced6f7f71b7629ddf16f17bbcfab6b2"},
    {"val2017.zip", "442b8da7639aecaf257c1dceb8ba8c80"},
    {"annotations_trainval2017.zip", "f4bbac642086de4f52a3fdda2de5fa2c"},
    {"ADEChallengeData2016.zip", "7328b3957e407ddae1d3cbf487f149ef"},
    {"VOCtrainval_03-May-2010.tar", "da459979d0c395079b5c75ee67908abb"},
    {"VOCtrainval_11-May-2012.tar", "6cd6e144f989b92b3379bac3b3de84fd"},
};

static int md5_of(const char *path, char hex[2 * MD5_BYTES + 1]) {
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    FILE *f = fopen(path, "rb");
    if (!f) return error_set(ERR_MISSING, "%s: cannot be opened", path);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    uint8_t *block = mem_alloc(BLOCK, 1);
    bool good = md && EVP_DigestInit_ex(md, EVP_md5(), NULL);
    for (size_t k; good && (k = fread(block, 1, BLOCK, f)) > 0;)
        good = EVP_DigestUpdate(md, block, k);
    good = good && !ferror(f) && EVP_DigestFinal_ex(md, sum, &n) && n == MD5_BYTES;
    EVP_MD_CTX_free(md);
    free(block);
    fclose(f);
    if (!good) return error_set(ERR_MISSING, "%s: cannot be read, or this system has no MD5", path);
    for (unsigned i = 0; i < n; i++) snprintf(hex + 2 * (size_t)i, 3, "%02x", sum[i]);
    return 0;
}

int known_archive_check(const char *path, bool strict) {
    char hex[2 * MD5_BYTES + 1];
    const char *want = NULL;
    for (size_t i = 0; i < sizeof archives / sizeof *archives; i++)
        if (strcmp(archives[i].name, path_base(path)) == 0) want = archives[i].md5;
    if (!want) return 0;
    log_info("%s: comparing with the published MD5", path);
    int status = md5_of(path, hex);
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
