# Of the shipped chain, not the smoke chain: e2e/init trains it.
s/^\.\/ovseg-train mine\/mpt.yaml/& --dry-run/
# Each begins with a folder that is not there.
s/^\.\/ovseg init mine/rm -rf mine; &/
# What the page shows of a broken folder.
s/^rm -rf mine; \.\/ovseg init mine --images photos$/echo broken >photos\/images\/000000000003.png; & # 65/
# The chain that is trained here.
s/export mine\/mpt.yaml/export configs\/mpt.yaml/
s/\(eval\|report\) mine\/mpt.yaml/\1 configs\/mpt.yaml/
s/^\.\/ovseg-train mine\/eval.yaml/.\/ovseg-train configs\/eval.yaml/
