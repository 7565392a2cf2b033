#!/bin/sh
# After an upgrade, a running service goes on with the new files; nothing is started that was not running.
set -e
if [ "$1" = configure ] && [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    if [ -n "$2" ]; then
        # A build without HTTP may follow one with it, whose units are gone then and must not listen any more.
        if [ ! -e /usr/lib/systemd/system/edgener-http.service ]; then
            systemctl stop edgener-http.socket edgener-http.service 2>/dev/null || :
            systemctl disable edgener-http.socket edgener-http.service 2>/dev/null || :
        fi
        systemctl try-restart 'edgener*.service' || :
    fi
fi
