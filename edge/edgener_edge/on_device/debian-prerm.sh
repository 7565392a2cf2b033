#!/bin/sh
# What is removed no longer runs.
set -e
if [ "$1" = remove ] && [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
    systemctl disable --now edgener.service edgener.socket
fi
