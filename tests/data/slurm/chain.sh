#!/bin/bash
# ovseg submit: bash FILE sends these jobs and prints their ids.
set -eu
send() { # OPTION...: the script on standard input; prints the job's id
    local id
    id=$(sbatch --parsable "$@")
    id=${id%%;*}
    case $id in
    '' | *[!0-9]*)
        echo "sbatch printed no job id: $id" >&2
        return 1
        ;;
    esac
    echo "$id"
}

script1() {
    cat <<'OVSEG_END_OF_SCRIPT'
#!/bin/bash
# ovseg submit: configs/mpt.yaml: scenes, mine
#SBATCH --job-name=ovseg-mpt-mine
#SBATCH --chdir=/home/me/ovseg
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --signal=USR1@120
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log

job=$SLURM_JOB_ID
# When it ends, for the program to stop before: older Slurm does not say.
if [ -z "${SLURM_JOB_END_TIME-}" ]; then
    end=$(squeue -h -j "$job" -o %e)
    SLURM_JOB_END_TIME=$(date -d "$end" +%s 2>/dev/null) && export SLURM_JOB_END_TIME
fi

if [ -e runs/scenes-000000000000/DONE ] && [ -e runs/mine-111111111111/DONE ]; then
    echo "done by an earlier job"
    exit 0
fi

srun -n1 \
    /opt/ovseg/bin/ovseg train configs/mpt.yaml \
    --only=scenes \
    --only=mine
status=$?
exit "$status"
OVSEG_END_OF_SCRIPT
}
job1=$(script1 | send)
echo "$job1" ovseg-mpt-mine
job1=$(script1 | send --dependency="afterany:$job1" --kill-on-invalid-dep=yes)
echo "$job1" ovseg-mpt-mine
job1=$(script1 | send --dependency="afterany:$job1" --kill-on-invalid-dep=yes)
echo "$job1" ovseg-mpt-mine

script2() {
    cat <<'OVSEG_END_OF_SCRIPT'
#!/bin/bash
# ovseg submit: configs/mpt.yaml: mpt
#SBATCH --job-name=ovseg-mpt
#SBATCH --chdir=/home/me/ovseg
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=8
#SBATCH --mem=64G
#SBATCH --time=1-00:00:00
#SBATCH --partition=gpu,long
#SBATCH --signal=USR1@120
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log

export SRUN_CPUS_PER_TASK=8 # which srun does not take over

job=$SLURM_JOB_ID
# When it ends, for the program to stop before: older Slurm does not say.
if [ -z "${SLURM_JOB_END_TIME-}" ]; then
    end=$(squeue -h -j "$job" -o %e)
    SLURM_JOB_END_TIME=$(date -d "$end" +%s 2>/dev/null) && export SLURM_JOB_END_TIME
fi

if [ -e 'my runs/mpt-222222222222/DONE' ]; then
    echo "done by an earlier job"
    exit 0
fi

srun --mpi=pmix \
    /opt/ovseg/bin/ovseg train configs/mpt.yaml \
    threads=8 \
    --only=mpt
status=$?
exit "$status"
OVSEG_END_OF_SCRIPT
}
job2=$(script2 | send --dependency="afterok:$job1" --kill-on-invalid-dep=yes)
echo "$job2" ovseg-mpt
job2=$(script2 | send --dependency="afterok:$job1,afterany:$job2" --kill-on-invalid-dep=yes)
echo "$job2" ovseg-mpt
job2=$(script2 | send --dependency="afterok:$job1,afterany:$job2" --kill-on-invalid-dep=yes)
echo "$job2" ovseg-mpt
