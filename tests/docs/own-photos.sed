# Minutes of training, which e2e/photographs does smaller.
s/^\( *prepare:inputs.instances=.*\)/\1 --dry-run/
