#!/bin/bash
# ovseg sweep: bash FILE sends these jobs and prints their ids.
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
# ovseg sweep: 'sweeps/lr 1.yaml'
#SBATCH --job-name=ovseg-lr-shared
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

srun -n1 \
    /opt/ovseg/bin/ovseg sweep 'sweeps/lr 1.yaml' \
    paths.x=/data/%a \
    --shared \
    --jobs=2
status=$?
exit "$status"
OVSEG_END_OF_SCRIPT
}
job1=$(script1 | send)
echo "$job1" ovseg-lr-shared
job1=$(script1 | send --dependency="afterany:$job1" --kill-on-invalid-dep=yes)
echo "$job1" ovseg-lr-shared

script2() {
    cat <<'OVSEG_END_OF_SCRIPT'
#!/bin/bash
# ovseg sweep: 'sweeps/lr 1.yaml'
#SBATCH --job-name=ovseg-lr
#SBATCH --chdir=/home/me/ovseg
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --array=1-4,7%2
#SBATCH --signal=USR1@120
#SBATCH --open-mode=append
#SBATCH --output=%x-%A_%a.log

job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
# When it ends, for the program to stop before: older Slurm does not say.
if [ -z "${SLURM_JOB_END_TIME-}" ]; then
    end=$(squeue -h -j "$job" -o %e)
    SLURM_JOB_END_TIME=$(date -d "$end" +%s 2>/dev/null) && export SLURM_JOB_END_TIME
fi

srun -n1 \
    /opt/ovseg/bin/ovseg sweep 'sweeps/lr 1.yaml' \
    paths.x=/data/%a \
    --trial="$SLURM_ARRAY_TASK_ID"
status=$?
exit "$status"
OVSEG_END_OF_SCRIPT
}
job2=$(script2 | send --dependency="afterany:$job1" --kill-on-invalid-dep=yes)
echo "$job2" ovseg-lr
job2=$(script2 | send --dependency="afterany:$job1,afterany:$job2" --kill-on-invalid-dep=yes)
echo "$job2" ovseg-lr

script3() {
    cat <<'OVSEG_END_OF_SCRIPT'
#!/bin/bash
# ovseg sweep: 'sweeps/lr 1.yaml'
#SBATCH --job-name=ovseg-lr-table
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

srun -n1 \
    /opt/ovseg/bin/ovseg sweep status \
    'sweeps/lr 1.yaml' \
    paths.x=/data/%a
status=$?
exit "$status"
OVSEG_END_OF_SCRIPT
}
job3=$(script3 | send --dependency="afterany:$job2" --kill-on-invalid-dep=yes)
echo "$job3" ovseg-lr-table
job3=$(script3 | send --dependency="afterany:$job2,afterany:$job3" --kill-on-invalid-dep=yes)
echo "$job3" ovseg-lr-table
