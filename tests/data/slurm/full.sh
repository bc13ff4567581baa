#!/bin/bash
# ovseg submit: configs/mpt.yaml
#SBATCH --job-name=ovseg-mpt
#SBATCH --chdir=/home/me/ovseg
#SBATCH --account=vision
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --gpus-per-node=a100:4
#SBATCH --cpus-per-task=8
#SBATCH --mem=64G
#SBATCH --time=1-00:00:00
#SBATCH --partition=gpu,long
#SBATCH --signal=USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --qos=long
#SBATCH --exclusive
#SBATCH --comment="a \"quoted\" \\ text"
#SBATCH --output=%x-%j.log

# of the site profile
module purge
module load apptainer
set +e # what the program ends with decides below
export NCCL_DEBUG=WARN
export WHO='it'\''s me'

export SRUN_CPUS_PER_TASK=8 # which srun does not take over

job=$SLURM_JOB_ID
# When it ends, for the program to stop before: older Slurm does not say.
if [ -z "${SLURM_JOB_END_TIME-}" ]; then
    end=$(squeue -h -j "$job" -o %e)
    SLURM_JOB_END_TIME=$(date -d "$end" +%s 2>/dev/null) && export SLURM_JOB_END_TIME
fi

srun --mpi=pmix \
    apptainer exec --nv --bind /data:/data '/images/ovseg 1.sif' ovseg train configs/mpt.yaml \
    threads=8 \
    seed=2 \
    '*:paths.coco=/data/co co' \
    device=cuda
status=$?

# 75: a checkpoint is written, run me again. All else is final: 143 is scancel's.
if [ "$status" = 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 100 ]; then
    if scontrol requeue "$job"; then
        sleep 60 # Slurm ends this script meanwhile
    else
        echo "no requeue here: use --chain N of ovseg submit" >&2
    fi
fi
exit "$status"
