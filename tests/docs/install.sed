# It has built what runs here.
s/^scripts\/build\b.*//
s|build/release|"$build"|
# Minutes of training, which e2e/embedded does.
s/@mpt.yaml/& --dry-run/
# Neither COCO nor the weights are here; it names all that is missing.
s/^ovseg-train @paper.*/& # 66/
# 690 MB to fetch, and what does with them: e2e/setup does so with small ones. conda-forge is not here.
s/^scripts\/setup --download-only.*//
s/^scripts\/setup --from.*//
s/^scripts\/setup --prefix.*//
# No container engine is here.
s/^docker .*//
s/^apptainer .*//
