/* Libraries: which are in the process, from which files; which parts were left out of this build.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "data/h5.h"
#include "nn/torch/tensor.h"
#include "train/doctor/doctor.h"

/* The paths in /proc/self/maps; a file is mapped in several pieces. */
void doctor_mapped(const char *maps, struct strings *out) {
    for (const char *line = maps; *line;) {
        size_t n = strcspn(line, "\n");
        const char *path = memchr(line, '/', n);
        if (path) {
            char *file = mem_format("%.*s", (int)(n - (size_t)(path - line)), path);
            if (strstr(path_base(file), ".so") && !strstr(file, " (deleted)"))
                strings_add(out, file);
            free(file);
        }
        line += n + (line[n] == '\n');
    }
    strings_settle(out);
}

/* "libhdf5_serial.so.103.3.0" begins with "libhdf5". */
static const char *mapped(const struct strings *files, const char *name) {
    for (size_t i = 0; i < files->n; i++)
        if (strncmp(path_base(files->at[i]), name, strlen(name)) == 0) return files->at[i];
    return NULL;
}

struct part {
    const char *name, *file; /* how its file's name begins: its number is of the interface */
    const char *version;     /* that it was built with (CMakeLists.txt); "": it was left out */
    const char *use, *package;
};

static const struct part parts[] = {
    {"libyaml", "libyaml", VERSION_YAML, "configs", "libyaml-dev"},
    {"xxHash", "libxxhash", VERSION_XXHASH, "hashes of runs and files", "libxxhash-dev"},
    {"cJSON", "libcjson", VERSION_CJSON, "small JSON files", "libcjson-dev"},
    {"yajl", "libyajl", VERSION_YAJL, "COCO's JSON files", "libyajl-dev"},
    {"zstd", "libzstd", VERSION_ZSTD, "label maps in sets", "libzstd-dev"},
    {"zlib", "libz.so", VERSION_ZLIB, "the vocabulary, archives of PyTorch", "zlib1g-dev"},
    {"OpenSSL", "libcrypto", VERSION_CRYPTO, "sha256 of published weights", "libssl-dev"},
    {"utf8proc", "libutf8proc", VERSION_UTF8PROC, "the tokenizer", "libutf8proc-dev"},
    {"libjpeg-turbo", "libturbojpeg", VERSION_TURBOJPEG, "JPEG", "libturbojpeg0-dev"},
    {"libpng", "libpng", VERSION_PNG, "PNG", "libpng-dev"},
    {"WebP", "libwebp", VERSION_WEBP, "pictures in WebP: train, segment, data", "libwebp-dev"},
    {"TIFF", "libtiff", VERSION_TIFF, "ADE20K-847's label maps: data prepare", "libtiff-dev"},
    {"matio", "libmatio", VERSION_MATIO, "Pascal Context's label maps: data prepare",
     "libmatio-dev"},
    {"libarchive", "libarchive", VERSION_ARCHIVE, "sets in their archives: data prepare",
     "libarchive-dev"},
    {"libmicrohttpd", "libmicrohttpd", VERSION_MICROHTTPD, "the page of ovseg serve",
     "libmicrohttpd-dev"},
    {"link-grammar", "liblink-grammar", VERSION_LINK_GRAMMAR,
     "nouns.backend: link-grammar, the default: mine, nouns",
     "liblink-grammar-dev link-grammar-dictionaries-en"},
};

static void look_at(struct findings *f, const struct part *p, const struct strings *files) {
    const char *file = mapped(files, p->file);
    char *remedy = mem_format("install %s, configure and build again", p->package);
    if (!*p->version)
        finding_add(f, "libraries", FINDING_NONE, p->name, remedy, "not in this build; for %s",
                    p->use);
    else /* without a file: linked in statically, or a name that we do not know */
        finding_add(f, "libraries", FINDING_OK, p->name, NULL, "%s%s%s%s, for %s", p->version,
                    file ? " (" : "", file ? path_base(file) : "", file ? ")" : "", p->use);
    free(remedy);
}

/* Two pools of threads take each other's cores (ecosystem 6). */
static void look_at_openmp(struct findings *f, const struct strings *files) {
    static const char *const names[] = {"libgomp", "libiomp5", "libomp", NULL};
    struct str found = {0};
    size_t n = 0;
    for (size_t i = 0; i < files->n; i++)
        for (const char *const *name = names; *name; name++)
            if (strncmp(path_base(files->at[i]), *name, strlen(*name)) == 0)
                str_add(&found, "%s%s", n++ ? ", " : "", files->at[i]);
    if (n > 1)
        finding_add(f, "libraries", FINDING_WARN, "OpenMP",
                    "use the libtorch that scripts/setup fetches, whose runtime is gcc's",
                    "%zu runtimes in one process, threads are oversubscribed: %s", n, found.at);
    else
        finding_add(f, "libraries", FINDING_OK, "OpenMP", NULL, "one runtime: %s",
                    n ? found.at : "linked in");
    str_free(&found);
}

void doctor_libraries(struct findings *f) {
    struct bytes maps = {0};
    struct strings files = {0};
    finding_add(f, "libraries", FINDING_OK, "ovseg", NULL, "%s", OVSEG_VERSION);
    if (!file_read_stream("/proc/self/maps", 16 << 20, &maps))
        doctor_mapped((char *)maps.at, &files);
    error_clear();
    const char *torch = mapped(&files, "libtorch_cpu");
    finding_add(f, "libraries", FINDING_OK, "libtorch", NULL, "%s, %s", t_version(),
                torch ? torch : "linked in");
    finding_add(f, "libraries", FINDING_OK, "HDF5", NULL, "%s, for sets and pairs", h5_library());
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) look_at(f, &parts[i], &files);
    look_at_openmp(f, &files);
    strings_free(&files);
    bytes_free(&maps);
}
