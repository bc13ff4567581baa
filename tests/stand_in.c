/* ovseg-train whose tensors, those of a CPU, go through the stand-in for NCCL (tests/fake_nccl.c)
 * as a GPU's do. For tests: NCCL itself takes no memory of the host. */
#include "train/commands/cmd.h"
#include "train/device.h"

int main(int argc, char **argv) {
    device_stand_in = true;
    return cmd_train(argc, argv);
}
