#!/bin/sh
# edgener for @TITLE@. Unpacks itself once, then answers; --help explains it.
# EDGENER_DIR names the directory to unpack into; default: ~/.cache/edgener
set -eu
name=@NAME@
die() {
    echo "$name.run: $2" >&2
    exit "$1"
}
[ "$(uname -m)" = @MACHINE@ ] || die 41 "made for @MACHINE@, but this is a $(uname -m) kernel; build for this device"
if [ -n "${EDGENER_DIR:-}" ]; then
    base=$EDGENER_DIR
else
    base=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/edgener
fi
home=$base/$name-@SHORT@
if [ ! -x "$home/edgener" ]; then
    for tool in tail sha256sum xz tar mktemp; do
        command -v "$tool" >/dev/null || die 45 "needs '$tool' to unpack itself; install it, or copy the .tar.gz"
    done
    mkdir -p "$base" 2>/dev/null || die 4 "cannot write to $base; name another place: EDGENER_DIR=/some/where $0"
    find "$base" -maxdepth 1 -name '.unpack-*' -mmin +60 -exec rm -rf {} + 2>/dev/null || :
    found=$(tail -c +@OFFSET@ "$0" | sha256sum)
    [ "${found%% *}" = @DIGEST@ ] || die 48 "$0 is damaged or was changed (its checksum differs); copy it again"
    draft=$(mktemp -d "$base/.unpack-XXXXXX") || die 4 "cannot write to $base; name another place with EDGENER_DIR"
    trap 'rm -rf "$draft"' EXIT
    trap 'exit 130' HUP INT TERM
    tail -c +@OFFSET@ "$0" | xz -dc | tar -xf - -C "$draft" || die 4 "cannot unpack to $base; is the disk full?"
    sync
    mv -T "$draft/$name" "$home" 2>/dev/null || [ -x "$home/edgener" ] || die 4 "cannot write to $home"
    rm -rf "$draft"
    trap - EXIT
fi
exec "$home/edgener" "$@"
