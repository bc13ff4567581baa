# No GPU is presumed, where something is to be trained.
s/^\( *\.\/ovseg-train .*\)device=cuda/\1device=auto/
# The smoke chain has batches of 16.
s/in 64 32 16 8;/in 16 8;/
# Of the time a probe takes a little does.
s/^\.\/ovseg plan configs\/finetune.yaml  *#/.\/ovseg plan configs\/finetune.yaml --probe 0.2 #/
