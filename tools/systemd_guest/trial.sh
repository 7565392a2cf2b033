#!/bin/sh
# What an operator does with the package, and what goes wrong on a device; the console is told what held.
URL=http://127.0.0.1:8765
TEXT=王小明在北京大学工作。
BUILT_IN=/opt/edgener/site/edgener/default
PATIENCE=$(cat /trial/patience)
HANG_SECONDS=$((PATIENCE + 40)) # the watchdog waits for 30
say() { echo "@@ $*" >/dev/console; }
check() { # NAME COMMAND...: does the command succeed?
    name=$1
    shift
    if "$@" >/tmp/said 2>&1; then say check "$name" ok; else
        say check "$name" failed
        tail -n 5 /tmp/said | while read -r line; do say said "$name: $line"; done
    fi
}
ask() { curl -sSf -H 'Content-Type: application/json' --max-time "${1:-$PATIENCE}" --data "{\"inputs\": \"$TEXT\"}" $URL/v1/ner | grep -q 王小明; }
ask_socket() { echo $TEXT | nc -N -U -w "$PATIENCE" /run/edgener.sock | grep -q 王小明; }
is() { [ "$(systemctl show --value --property "$2" "$1")" = "$3" ]; }
pid() { systemctl show --value --property MainPID "$1"; }
has_model() { curl -sSf --max-time "$PATIENCE" $URL/info | grep -q "$1"; }
until_true() { # SECONDS COMMAND...
    last=$(($(date +%s) + $1))
    shift
    until "$@"; do
        [ "$(date +%s)" -lt $last ] || return 1
        sleep 0.2
    done
}
ask_without_end() { # asks until the file /tmp/enough is there, and counts
    asked=0
    : >/tmp/lost
    while [ ! -e /tmp/enough ]; do
        ask >>/tmp/lost 2>&1 || echo "request $asked was not answered" >>/tmp/lost
        asked=$((asked + 1))
    done
    echo $asked >/tmp/asked
}
none_lost_while() { # NAME COMMAND...: are all requests answered while the command runs, and for three seconds after it?
    name=$1
    shift
    rm -f /tmp/enough
    ask_without_end &
    check "$name" "$@"
    sleep 3
    touch /tmp/enough
    wait $!
    say figure "${name}_requests" "$(cat /tmp/asked)"
    check "${name}_loses_no_request" [ ! -s /tmp/lost ]
    head -n 3 /tmp/lost | while read -r line; do say said "$name: $line"; done
}
seconds() { # NAME COMMAND...: the time that the command takes, in milliseconds
    name=$1
    shift
    started=$(date +%s%3N)
    check "$name" "$@"
    say figure "${name}_ms" $(($(date +%s%3N) - started))
}
is_unprivileged() { [ "$(stat -c %u "/proc/$(pid "$1")")" -gt 1000 ]; }
has_no_rights() { grep -q '^CapEff:[[:space:]]*0*$' "/proc/$(pid "$1")/status"; }
has_no_network() { [ "$(readlink "/proc/$(pid "$1")/ns/net")" != "$(readlink /proc/1/ns/net)" ]; }
version() { dpkg-query --show --showformat '${Version}' edgener; }
is_gone() { ! systemctl cat "$1" && [ ! -e /opt/edgener ] && [ ! -e /usr/bin/edgener ]; }
nothing_runs() { ! grep -lsa /opt/edgener /proc/[0-9]*/cmdline; }
is_closed() { ! curl -s --max-time 5 $URL/health && [ ! -e /run/edgener.sock ]; }
no_unit_failed() { [ -z "$(systemctl --failed --no-legend --plain)" ]; }

ip link set lo up 2>/dev/null
say figure systemd "$(systemctl --version | head -n 1 | cut -d' ' -f2)"
say figure kernel "$(uname -r)"

check install dpkg -i /trial/old.deb
check install_starts_nothing is edgener-http.service ActiveState inactive
check enable systemctl enable --now edgener.socket edgener-http.socket
check enable_starts_no_service is edgener-http.service ActiveState inactive
seconds first_answer_http ask
seconds first_answer_socket ask_socket
seconds warm_answer_http ask
for service in edgener edgener-http; do
    check ${service}_is_active is $service.service ActiveState active
    check ${service}_is_no_root is_unprivileged $service.service
    check ${service}_has_no_capability has_no_rights $service.service
    check ${service}_has_no_network has_no_network $service.service
    say figure ${service}_memory_bytes "$(systemctl show --value --property MemoryCurrent $service.service)"
done

for service in edgener edgener-http; do kill -9 "$(pid $service.service)"; done
seconds answer_after_kill_http ask
seconds answer_after_kill_socket ask_socket
check kill_is_counted is edgener-http.service NRestarts 1

old=$(pid edgener-http.service)
kill -STOP "$old"
seconds answer_after_a_hang ask "$HANG_SECONDS"
check hang_is_ended_by_the_watchdog sh -c 'journalctl --unit edgener-http.service | grep -qi watchdog'
check hang_is_counted is edgener-http.service NRestarts 2
kill -STOP "$(pid edgener.service)"
seconds socket_answer_after_a_hang ask_socket "$HANG_SECONDS"
check socket_hang_is_counted is edgener.service NRestarts 2

export EDGENER_MODELS=/var/lib/edgener/models
none_lost_while install_model edgener install /trial/model
check model_is_taken until_true "$PATIENCE" has_model nano
none_lost_while install_another_model edgener install "$BUILT_IN"
check another_model_is_taken until_true "$PATIENCE" has_model small
none_lost_while rollback edgener rollback
check rollback_is_taken until_true "$PATIENCE" has_model nano
none_lost_while reload systemctl reload edgener-http.service
none_lost_while restart systemctl restart edgener-http.service

old=$(pid edgener-http.service)
old_version=$(version)
none_lost_while upgrade dpkg -i /trial/new.deb
check upgrade_starts_it_anew [ "$(pid edgener-http.service)" != "$old" ]
check upgrade_is_answered ask
check upgrade_is_answered_on_the_socket ask_socket
check version_is_new [ "$(version)" != "$old_version" ]
check no_unit_failed no_unit_failed

check remove dpkg -r edgener
check remove_takes_all is_gone edgener-http.service
check remove_ends_all nothing_runs
check remove_closes_all is_closed
check remove_leaves_no_failed_unit no_unit_failed
check install_again dpkg -i /trial/new.deb
check enable_again systemctl enable --now edgener.socket edgener-http.socket
check answers_again ask
check purge dpkg --purge edgener
check purge_takes_all is_gone edgener.service
say done
