# The published models: the smoke chain's sizes in their layout.
s/eval configs\/paper\/ovseg-[a-z0-9-]*\/eval.yaml/eval small-eval.yaml/
s#inputs.\(raw\|ovseg\)=configs/paper/ovseg-swinb-vitl14/clip.yaml#inputs.\1=$clip#
# Nothing is there, which is what it says.
s/^.*sources --check.*/.\/ovseg sources --check sources # 66/
# Neither COCO nor the weights are here; it names all that is missing.
s/^\.\/ovseg-train configs\/paper.*/& # 66/
s/^\.\/ovseg plan configs\/paper.*/& # 66/
s/^\.\/ovseg eval configs\/paper\/[^ ]*\/eval-trained.yaml.*/& # 66/
s/^\.\/ovseg sweep configs\/sweeps\/paper.*/& # 66/
s/^done$/& # 66/
