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
# ovseg submit: configs/mpt.yaml: scenes
#SBATCH --job-name=ovseg-mpt-scenes
#SBATCH --chdir=/home/me/ovseg
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --signal=USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log

job=$SLURM_JOB_ID
# When it ends, for the program to stop before: older Slurm does not say.
if [ -z "${SLURM_JOB_END_TIME-}" ]; then
    end=$(squeue -h -j "$job" -o %e)
    SLURM_JOB_END_TIME=$(date -d "$end" +%s 2>/dev/null) && export SLURM_JOB_END_TIME
fi

srun -n1 \
    /opt/ovseg/bin/ovseg train configs/mpt.yaml \
    seed=3 \
    'output_dir=my runs/3/x' \
    --only=scenes
status=$?

# 75: a checkpoint is written, run me again. All else is final: 143 is scancel's.
if [ "$status" = 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 5 ]; then
    if scontrol requeue "$job"; then
        sleep 60 # Slurm ends this script meanwhile
    else
        echo "no requeue here: use --chain N of ovseg submit" >&2
    fi
fi
exit "$status"
OVSEG_END_OF_SCRIPT
}
job1=$(script1 | send)
echo "$job1" ovseg-mpt-scenes

script2() {
    cat <<'OVSEG_END_OF_SCRIPT'
#!/bin/bash
# ovseg submit: configs/mpt.yaml: clip
#SBATCH --job-name=ovseg-mpt-clip
#SBATCH --chdir=/home/me/ovseg
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --array=3-10%2
#SBATCH --signal=USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%A_%a.log

job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
# When it ends, for the program to stop before: older Slurm does not say.
if [ -z "${SLURM_JOB_END_TIME-}" ]; then
    end=$(squeue -h -j "$job" -o %e)
    SLURM_JOB_END_TIME=$(date -d "$end" +%s 2>/dev/null) && export SLURM_JOB_END_TIME
fi

srun -n1 \
    /opt/ovseg/bin/ovseg train configs/mpt.yaml \
    seed="$SLURM_ARRAY_TASK_ID" \
    'output_dir=my runs/'"$SLURM_ARRAY_TASK_ID"/x \
    --only=clip
status=$?

# 75: a checkpoint is written, run me again. All else is final: 143 is scancel's.
if [ "$status" = 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 5 ]; then
    if scontrol requeue "$job"; then
        sleep 60 # Slurm ends this script meanwhile
    else
        echo "no requeue here: use --chain N of ovseg submit" >&2
    fi
fi
exit "$status"
OVSEG_END_OF_SCRIPT
}
job2=$(script2 | send --dependency="afterok:$job1" --kill-on-invalid-dep=yes)
echo "$job2" ovseg-mpt-clip

script3() {
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
#SBATCH --array=3-10%2
#SBATCH --signal=USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%A_%a.log

export SRUN_CPUS_PER_TASK=8 # which srun does not take over

job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
# When it ends, for the program to stop before: older Slurm does not say.
if [ -z "${SLURM_JOB_END_TIME-}" ]; then
    end=$(squeue -h -j "$job" -o %e)
    SLURM_JOB_END_TIME=$(date -d "$end" +%s 2>/dev/null) && export SLURM_JOB_END_TIME
fi

srun --mpi=pmix \
    /opt/ovseg/bin/ovseg train configs/mpt.yaml \
    threads=8 \
    seed="$SLURM_ARRAY_TASK_ID" \
    'output_dir=my runs/'"$SLURM_ARRAY_TASK_ID"/x \
    "$SLURM_ARRAY_TASK_ID""$SLURM_ARRAY_TASK_ID" \
    --only=mpt
status=$?

# 75: a checkpoint is written, run me again. All else is final: 143 is scancel's.
if [ "$status" = 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 5 ]; then
    if scontrol requeue "$job"; then
        sleep 60 # Slurm ends this script meanwhile
    else
        echo "no requeue here: use --chain N of ovseg submit" >&2
    fi
fi
exit "$status"
OVSEG_END_OF_SCRIPT
}
job3=$(script3 | send --dependency="afterok:$job1,aftercorr:$job2" --kill-on-invalid-dep=yes)
echo "$job3" ovseg-mpt
