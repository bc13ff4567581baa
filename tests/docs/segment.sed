s/-m RUN/-m configs\/mpt.yaml/
# Debian has no safetensors for Python.
s/^python3 example-3\.py$//
