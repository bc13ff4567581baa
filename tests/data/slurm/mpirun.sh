#!/bin/bash
# ovseg submit: configs/mpt.yaml
#SBATCH --job-name=ovseg-mpt
#SBATCH --chdir=/home/me/ovseg
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=2
#SBATCH --signal=B:USR1@120
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log

job=$SLURM_JOB_ID
# When it ends, for the program to stop before: older Slurm does not say.
if [ -z "${SLURM_JOB_END_TIME-}" ]; then
    end=$(squeue -h -j "$job" -o %e)
    SLURM_JOB_END_TIME=$(date -d "$end" +%s 2>/dev/null) && export SLURM_JOB_END_TIME
fi

early='' run=''
trap 'if [ "$run" ]; then kill -USR1 "$run"; else early=1; fi' USR1
mpirun --bind-to none \
    /opt/ovseg/bin/ovseg train configs/mpt.yaml &
run=$!
[ -z "$early" ] || kill -USR1 "$run" # it came before the line above
while wait "$run"; kill -0 "$run" 2>/dev/null; do # USR1 broke it off
    :
done
wait "$run" # its status, also when USR1 was its end
status=$?
exit "$status"
