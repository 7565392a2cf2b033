#!/bin/busybox sh
# The first program of the guest: mounts the disk with the build, and answers with the memory that there is.
/bin/busybox --install -s /bin
export PATH=/bin HOME=/root EDGENER_DIR=/data/unpacked
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev 2>/dev/null
say() { echo "@@ $*" >/dev/console; }
for module in @MODULES@; do
    insmod /modules/$module.ko || say no module $module
done
mount -t ext4 /dev/vda /data || say no disk
cd /data
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
    [ $code = 0 ] || tail -n 3 "/data/$name.err" | while read -r line; do say said "$line"; done
    peak=$(sed -n 's/^peak_rss_kb //p' "/data/$name.err")
    [ -z "$peak" ] || say peak "$name" "$peak"
}
watched() { # a command on the lines of the file: how much it has read, and the memory that is left, until it ends
    "$@" <lines.txt &
    while position=$(sed -n 's/^pos:[^0-9]*//p' "/proc/$!/fdinfo/0" 2>/dev/null) && [ -n "$position" ]; do
        say progress "$position" "$(read_memory MemAvailable)"
        sleep 1
    done
    wait $!
}
run first ./build.run "$(cat text.txt)"
tail -n 3 first.out | while read -r line; do say answer "$line"; done
home=$(echo /data/unpacked/edgener-*)
export PYTHONHOME=$home PYTHONPATH=$home/site PYTHONDONTWRITEBYTECODE=1 PYTHONUTF8=1 OPENBLAS_NUM_THREADS=1
python="$home/syslib/@LOADER@ --library-path $home/syslib $home/bin/python@PYTHON@ -OO -S"
run sentence $python peak_memory.py "$(cat text.txt)"
run golden "$home/edgener" check
sed -n '/^\(entities\|logits\|checksums\)/p' golden.out | while read -r line; do say check "$line"; done
run stream watched $python peak_memory.py
say sha256 "$(sha256sum <stream.out | cut -d' ' -f1)"
dmesg | grep -i 'out of memory' | while read -r line; do say said "$line"; done
cd /
umount /data
say done
poweroff -f
