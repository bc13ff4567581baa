/* parity_train GOLDEN.json: replays a training golden of the reference and prints how far its
 * losses, matchings, gradients and parameters are from ours. Exit status: 0 all within the bar, 1
 * something is not, otherwise an ERR_* code. */
#include <stdio.h>

#include "base/error.h"
#include "tests/parity/train.h"

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "Usage: parity_train GOLDEN.json\n");
        return ERR_USAGE;
    }
    struct verdicts r;
    int status = train_replay(argv[1], &r);
    if (r.text.at) fputs(r.text.at, stdout);
    if (status)
        fprintf(stderr, "parity_train: %s\n", error_message());
    else
        printf("%d of %d differ\n", r.failed, r.compared);
    status = status ? status : r.failed != 0;
    verdicts_free(&r);
    return status;
}
