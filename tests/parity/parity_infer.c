/* parity_infer GOLDEN.json [DATA]: replays a whole-model golden of the reference and prints how far
 * each of its tensors is from ours. DATA: where its picture's path starts; by default ../data seen
 * from the golden. Exit status: 0 all within the bar, 1 something is not, otherwise an ERR_* code.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "tests/parity/infer.h"

int main(int argc, char **argv) {
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "Usage: parity_infer GOLDEN.json [DATA]\n");
        return ERR_USAGE;
    }
    char *dir = path_dir(argv[1]), *data = path_join(dir, "../data");
    struct verdicts r;
    int status = infer_replay(argv[1], argc == 3 ? argv[2] : data, &r);
    if (r.text.at) fputs(r.text.at, stdout);
    if (status)
        fprintf(stderr, "parity_infer: %s\n", error_message());
    else
        printf("%d of %d differ\n", r.failed, r.compared);
    free(dir);
    free(data);
    status = status ? status : r.failed != 0;
    verdicts_free(&r);
    return status;
}
