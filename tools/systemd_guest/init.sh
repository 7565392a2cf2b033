#!/bin/busybox sh
# The first program of the guest: mounts the disk, and starts systemd there.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev 2>/dev/null
for module in @MODULES@; do
    insmod /modules/$module.ko || echo "@@ check module_$module failed" >/dev/console
done
mount -t ext4 /dev/vda /data
exec switch_root /data /sbin/init
