#!/bin/sh
# A package that is purged takes the models along that were installed for its services.
set -e
if [ "$1" = purge ]; then
    rm -rf "$DPKG_ROOT/var/lib/edgener"
fi
if { [ "$1" = remove ] || [ "$1" = purge ]; } && [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
    systemctl daemon-reload
fi
