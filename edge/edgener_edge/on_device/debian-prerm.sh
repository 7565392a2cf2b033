#!/bin/sh
# What is removed no longer runs.
set -e
if [ "$1" = remove ] && [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
    for unit in edgener edgener-http; do
        [ ! -e "/usr/lib/systemd/system/$unit.service" ] || systemctl disable --now "$unit.service" "$unit.socket"
    done
fi
