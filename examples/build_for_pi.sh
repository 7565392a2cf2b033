#!/bin/sh
# Build one file for a Raspberry Pi 4, and check under QEMU that it gives the answers of this PC.
#
#     examples/build_for_pi.sh edgener-pi4.run                                the built-in model
#     examples/build_for_pi.sh edgener-pi4.run --cache /var/cache/edgener     options of both commands may follow
#
# It needs a Debian PC and `pip install '.[edge]'`; the first run downloads packages, and root is not needed.
set -eu
output=$1
shift

edgener-edge build --device pi4 --output "$output" "$@"
edgener-edge verify "$output" "$@"

echo "Now copy it and ask it:"
echo "    scp $output pi@raspberrypi:"
echo "    ssh pi@raspberrypi ./$(basename "$output") 王小明在北京大学工作。"
