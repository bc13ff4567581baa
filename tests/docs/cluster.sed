# Whatever is segmented.
s/-m \(runs.mpt-[^ ]*\) \.\.\./-m \1 --classes sky,grass photos\/images\/*.png -o out/
# No GPU is presumed.
s/device=cuda/device=auto/
# From here on the page has a Slurm of its own.
s|^eval "$(scripts/onebox start /tmp/box)"|PATH=${PATH/"$here\/stand_ins:"/}; eval "$(scripts/onebox start "$world"/box)"|
s|/tmp/box|"$world"/box|
# The chain is there already; another seed is not.
s|^\(./ovseg submit configs/smoke/mpt.yaml\) --go|\1 --go seed=7|
