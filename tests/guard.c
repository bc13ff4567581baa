/* guard MARK: waits until nobody holds the other end of its standard input, then ends what carries
 * the mark (tests/offspring.h). Of a test that ended well nothing does. */
#include <unistd.h>

#include "tests/offspring.h"

int main(int argc, char **argv) {
    if (argc != 2) return 64;
    if (fork()) return 0;
    setsid(); /* what kills the test with all its children or its group does not find it */
    char byte;
    while (read(0, &byte, 1) > 0) {
    }
    offspring_end_of(argv[1]);
    return 0;
}
