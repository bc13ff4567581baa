s/-m RUN/-m configs\/mpt.yaml/
