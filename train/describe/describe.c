/* ovseg-describe DIR DATE: writes manual pages and completion for bash and zsh into DIR, from the
 * tables that the commands themselves have. Part of the build; not installed. */
#include <stdio.h>

#include "base/error.h"
#include "base/file.h"
#include "train/describe/described.h"

int main(int argc, char **argv) {
    struct description d;
    if (argc != 3) {
        fprintf(stderr, "Usage: ovseg-describe DIR DATE\n");
        return ERR_USAGE;
    }
    int status = describe_all(&d);
    if (!status) status = dir_make(argv[1]);
    if (!status) status = write_pages(&d, argv[1], argv[2]);
    if (!status) status = write_bash(&d, argv[1]);
    if (!status) status = write_zsh(&d, argv[1]);
    if (status) fprintf(stderr, "ovseg-describe: %s\n", error_message());
    description_free(&d);
    return status;
}
