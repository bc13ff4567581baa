# Two of the eleven.
s/^for t in .*/for t in table3 lambda; do/
