s/OTHER_RUN/$other/
s/RUN/$run/
