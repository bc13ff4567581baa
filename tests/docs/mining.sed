s/CONFIG/configs\/mine.yaml/
s|/scratch/|scratch/|
s|/shared/|shared/|g
# One part of four: it says that the others are missing.
s|mine.part=\$I/4.*|& # 75|
# Of the smoke chain no noun has so many pairs.
s/--min-count 41/--min-count 2/
