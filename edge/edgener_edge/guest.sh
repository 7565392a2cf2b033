#!/bin/busybox sh
# The first program of the guest: mounts the disk with the build, and answers with the memory that there is.
/bin/busybox --install -s /bin
export PATH=/bin HOME=/root EDGENER_DIR=/data/unpacked
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev 2>/dev/null
for module in @MODULES@; do
    insmod /modules/$module.ko || echo "@@ no module $module"
done
mount -t ext4 /dev/vda /data || echo "@@ no disk"
cd /data
say() { echo "@@ $*"; }
read_memory() { sed -n "s/^$1: *\([0-9]*\) kB/\1/p" /proc/meminfo; }
say kernel "$(uname -r)"
say memory_kb "$(read_memory MemTotal)"
run() {
    name=$1
    shift
    started=$(cut -d' ' -f1 /proc/uptime)
    "$@" >"/data/$name.out" 2>"/data/$name.err"
    code=$?
    say result "$name" "$code" "$started" "$(cut -d' ' -f1 /proc/uptime)" "$(wc -l <"/data/$name.out")"
    [ $code = 0 ] || tail -n 3 "/data/$name.err" | sed 's/^/@@ said /'
    sed -n 's/^peak_rss_kb /@@ peak '"$name"' /p' "/data/$name.err"
}
run first ./build.run "$(cat text.txt)"
tail -n 3 first.out | sed 's/^/@@ answer /'
home=$(echo /data/unpacked/edgener-*)
export PYTHONHOME=$home PYTHONPATH=$home/site PYTHONDONTWRITEBYTECODE=1 PYTHONUTF8=1 OPENBLAS_NUM_THREADS=1
python="$home/syslib/@LOADER@ --library-path $home/syslib $home/bin/python@PYTHON@ -OO -S"
run sentence $python peak.py "$(cat text.txt)"
run golden "$home/edgener" check
run stream $python peak.py --file lines.txt
sed -n 's/^\(entities\|logits\|checksums\)/@@ check \1/p' golden.out
dmesg | grep -i 'out of memory' | sed 's/^/@@ said /'
cd /
umount /data
say done
poweroff -f
