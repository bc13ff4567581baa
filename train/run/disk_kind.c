#include "train/run/disk_kind.h"

#include <stddef.h>
#include <sys/vfs.h>

static const struct disk_kind kinds[] = {
    {0xEF53, "ext4", false, false},        {0x58465342, "xfs", false, false},
    {0x9123683E, "btrfs", false, false},   {0x2FC12FC1, "zfs", false, false},
    {0x794C7630, "overlay", false, false}, {0x01021994, "tmpfs", false, true},
    {0x858458F6, "ramfs", false, true},    {0x6969, "nfs", true, false},
    {0x0BD00BD0, "lustre", true, false},   {0x47504653, "gpfs", true, false},
    {0x19830326, "beegfs", true, false},   {0xFF534D42, "cifs", true, false},
    {0xFE534D42, "smb", true, false},      {0x00C36400, "ceph", true, false},
    {0x01021997, "9p", true, false},       {0x65735546, "fuse", true, false},
};

const struct disk_kind *disk_kind(const char *path) {
    struct statfs s;
    if (statfs(path, &s)) return NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].magic == (unsigned long)(unsigned int)s.f_type) return &kinds[i];
    return NULL;
}
