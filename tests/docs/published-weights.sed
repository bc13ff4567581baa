# The smoke chain's sizes instead of the published ones.
s/configs\/paper\/ovseg-swinb-vitl14\/eval.yaml/small-eval.yaml/
s/ViT-B-16.pt\|MODEL/clip-hf/
s/DIR/classes/
# Neither COCO nor the weights are here; it names all that is missing.
s/^\.\/ovseg-train configs\/paper.*/& # 66/
