#include "data/unpack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/file.h"

bool unpack_is_archive(const char *path) {
    static const char *const endings[] = {".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"};
    size_t n = strlen(path);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t k = strlen(endings[i]);
        if (n > k && strcasecmp(path + n - k, endings[i]) == 0) return true;
    }
    return false;
}

#ifdef OVSEG_ARCHIVE

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

enum {
    BLOCK = 1 << 20,
    TAR_BLOCK = 512,
    FILE_BYTES_MAX = 256 << 20, /* of one file; captions of COCO are 91 MB */
    /* Pictures and label maps are compressed already; a bomb is a thousand times its archive. */
    RATIO_MAX = 20,
    SMALL_BYTES = 64 << 20,
};

struct unpacking {
    const struct unpack *u;
    struct archive *a;
    bool look;      /* nothing is written, only counted */
    uint64_t room;  /* bytes that may still come out */
    uint64_t bytes; /* of the files that are not there yet */
    int64_t n;
};

static int bad(const struct unpacking *p, const char *entry, const char *what) {
    return error_set(ERR_DATA, "%s: %s: %s", p->u->archive, entry, what);
}

/* No name leads out of the folder; what is not wanted is held to the same rule. */
static const char *check_name(const char *name) {
    if (!name || !*name) return "an entry without a name";
    if (strchr(name, '\\')) return "a path of Windows";
    return path_is_below(name) ? NULL : "a path that leads out of the archive";
}

/* libarchive brings names that are marked as UTF-8 into the characters of the locale, and in that
 * of C, where a program starts, they come out as question marks. */
static locale_t names_as_they_are(void) {
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    return utf8 ? uselocale(utf8) : (locale_t)0;
}

static void names_as_before(locale_t before) {
    if (before) freelocale(uselocale(before));
}

static int copy_data(struct unpacking *p, const char *entry, const char *path) {
    struct file_out f;
    uint8_t *block = mem_alloc(BLOCK, 1);
    uint64_t total = 0;
    int status = file_out_open(&f, path);
    while (!status) {
        la_ssize_t n = archive_read_data(p->a, block, BLOCK);
        if (n == 0) break;
        if (n < 0) {
            status = bad(p, entry, archive_error_string(p->a));
        } else if ((total += (uint64_t)n) > FILE_BYTES_MAX || (uint64_t)n > p->room) {
            status = bad(p, entry, "is larger than such a file can be");
        } else {
            p->room -= (uint64_t)n;
            status = file_out_put(&f, block, (size_t)n);
        }
    }
    if (!status) status = file_out_commit(&f);
    file_out_close(&f);
    free(block);
    return status;
}

/* An entry that is wanted, under its name below `to`. */
static int take(struct unpacking *p, struct archive_entry *e, const char *entry, const char *name) {
    if (archive_entry_filetype(e) != AE_IFREG || archive_entry_hardlink(e) ||
        archive_entry_symlink(e))
        return bad(p, entry, "is no regular file");
    if (strchr(name, '/') || name[0] == '.') return bad(p, entry, "has a name that is not taken");
    bool sized = archive_entry_size_is_set(e);
    la_int64_t size = archive_entry_size(e);
    if (sized && (size < 0 || size > FILE_BYTES_MAX || (uint64_t)size > p->room))
        return bad(p, entry, "claims to be larger than such a file can be");
    char *path = path_join(p->u->to, name);
    bool there = sized && file_size(path) == size;
    int status = 0;
    if (p->look || there)
        p->room -= sized ? (uint64_t)size : 0;
    else
        status = copy_data(p, entry, path);
    if (sized && !there) p->bytes += (uint64_t)size;
    if (!p->look && !status && sized && file_size(path) != size)
        status = bad(p, entry, "is not as large as the archive says");
    free(path);
    p->n += !status;
    return status;
}

static int take_if_wanted(struct unpacking *p, struct archive_entry *e) {
    const char *entry = archive_entry_pathname(e), *wrong = check_name(entry);
    if (wrong) return bad(p, entry ? entry : "?", wrong);
    char *name = p->u->name_of(p->u->self, entry);
    int status = name ? take(p, e, entry, name) : 0;
    free(name);
    return status;
}

static int next_entry(struct unpacking *p, bool *end) {
    struct archive_entry *e;
    int got = archive_read_next_header(p->a, &e);
    *end = got == ARCHIVE_EOF;
    if (*end) return 0;
    if (got < ARCHIVE_WARN)
        return error_set(ERR_DATA, "%s: damaged archive: %s", p->u->archive,
                         archive_error_string(p->a));
    return take_if_wanted(p, e);
}

static int go_through(struct unpacking *p) {
    struct progress bar;
    int status = 0;
    bool end = false;
    progress_open(&bar, path_base(p->u->archive), p->look ? "files seen" : "files", 0, 0, 30);
    while (!status && !end) {
        status = next_entry(p, &end);
        progress_at(&bar, p->n, NULL);
        if (!status && p->u->stop) status = p->u->stop();
    }
    progress_close(&bar);
    return status;
}

/* A tar file ends with zeros; the library takes the end of a file for one, too. */
static int check_end(const struct unpacking *p, int64_t size) {
    static const uint8_t zero[TAR_BLOCK];
    uint8_t last[TAR_BLOCK];
    bool tar = (archive_format(p->a) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
    if (!tar || archive_filter_code(p->a, 0) != ARCHIVE_FILTER_NONE) return 0;
    FILE *f = fopen(p->u->archive, "rb");
    bool whole = f && size >= TAR_BLOCK && !fseeko(f, size - TAR_BLOCK, SEEK_SET) &&
                 fread(last, sizeof last, 1, f) == 1 && !memcmp(last, zero, sizeof last);
    if (f) fclose(f);
    return whole ? 0 : error_set(ERR_DATA, "%s: is cut short: get it again", p->u->archive);
}

/* Folders of the archive fall together here: two entries of one name would be one file. */
static int check_names(const struct unpacking *p) {
    struct strings names = {0};
    int status = dir_list(p->u->to, &names);
    if (!status && (int64_t)names.n < p->n)
        status =
            error_set(ERR_DATA,
                      "%s: %lld files that are wanted have only %zu names: unpack it, and name "
                      "the folder that is meant",
                      p->u->archive, (long long)p->n, names.n);
    strings_free(&names);
    return status;
}

static int open_archive(struct unpacking *p) {
    p->a = archive_read_new();
    REQUIRE(p->a, "out of memory");
    archive_read_support_filter_gzip(p->a);
    archive_read_support_filter_bzip2(p->a);
    archive_read_support_filter_xz(p->a);
    archive_read_support_format_tar(p->a);
    archive_read_support_format_zip_seekable(p->a); /* by its directory: one cut short has none */
    if (archive_read_open_filename(p->a, p->u->archive, BLOCK) == ARCHIVE_OK) return 0;
    return error_set(ERR_DATA, "%s: is no archive that can be read: %s", p->u->archive,
                     archive_error_string(p->a));
}

/* Once from its start to its end. */
static int pass(struct unpacking *p, const struct unpack *u, int64_t size, bool look) {
    *p = (struct unpacking){.u = u, .look = look};
    p->room = (uint64_t)size * RATIO_MAX + SMALL_BYTES;
    int status = open_archive(p);
    if (!status) status = go_through(p);
    if (!status) status = check_end(p, size);
    archive_read_free(p->a);
    return status;
}

/* What would end in the tenth hour for want of room does not begin. */
static int check_room(const struct unpacking *p) {
    double need = (double)p->bytes * (double)(1 + p->u->copies), room = (double)disk_free(p->u->to);
    if (need <= room) return 0;
    struct str also = {0};
    if (p->u->copies) str_add(&also, ", with the set that is made of them %.3g GB,", need / 1e9);
    error_set(ERR_IO,
              "%s: what is taken out of it has %.3g GB%s and %.3g GB are free in %s: make "
              "room there",
              p->u->archive, (double)p->bytes / 1e9, also.n ? also.at : "", room / 1e9, p->u->to);
    str_free(&also);
    return error_status();
}

int unpack_files(const struct unpack *u, int64_t *n) {
    struct unpacking p = {.u = u};
    int64_t size = file_size(u->archive);
    *n = 0;
    if (size < 0) return error_set(ERR_MISSING, "%s: no such file", u->archive);
    int status = dir_make(u->to);
    locale_t before = names_as_they_are();
    if (!status) status = pass(&p, u, size, true);
    if (status == ERR_DATA)
        error_clear(), status = 0; /* the second pass meets it, and knows where */
    if (!status) status = check_room(&p);
    if (!status) status = pass(&p, u, size, false);
    names_as_before(before);
    if (status) return status;
    *n = p.n;
    return check_names(&p);
}

#else

int unpack_files(const struct unpack *u, int64_t *n) {
    *n = 0;
    return error_set(ERR_DEVICE,
                     "%s: this build cannot read archives: install libarchive-dev and build again, "
                     "or unpack it and name the folder",
                     u->archive);
}

#endif
