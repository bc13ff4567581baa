# 2 GB to fetch.
s/^scripts\/setup --cuda.*//
# Needs a GPU.
s/^scripts\/gpu-check.*//
s/device=cuda/device=auto/
