# The sweeps have made others.
s/report mpt /report $mpt /
s/eval-f9a8505a05b0 .other.runs.eval-3c51/runs\/eval-* /
s|--compare A B|--compare $(ls -d runs/eval-* \| head -2)|
