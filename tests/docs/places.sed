s|--check /data|--check sources|
s| /other/cache| other/cache|
# Nothing is there, which is what it says.
s/^.*sources --check.*/& # 66/
