#!/bin/sh
# After an upgrade, a running service goes on with the new files; nothing is started that was not running.
set -e
if [ "$1" = configure ] && [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    [ -z "$2" ] || systemctl try-restart 'edgener*.service'
fi
