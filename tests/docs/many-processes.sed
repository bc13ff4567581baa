# Need GPUs.
s/^torchrun .*//
s/^srun .*--gpus-per-task.*//
