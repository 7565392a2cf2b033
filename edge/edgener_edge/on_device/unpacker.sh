#!/bin/sh
# edgener for @TITLE@. Unpacks itself at its first start, then answers; --help explains it.
# It unpacks into EDGENER_DIR, else XDG_CACHE_HOME/edgener, else ~/.cache/edgener, else (root alone) /var/cache/edgener.
set -eu
name=@NAME@
digest=@DIGEST@
die() {
    echo "$name.run: $2" >&2
    exit "$1"
}
[ "$(uname -m)" = @MACHINE@ ] ||
    die @DEVICE_ERROR@ "made for @MACHINE@, but this is a $(uname -m) kernel; build for this device"
case ${XDG_CACHE_HOME:-} in
/*) cache=$XDG_CACHE_HOME ;;
*) cache= ;;
esac
remedy="name another place: EDGENER_DIR=/some/where $0"
if [ -n "${EDGENER_DIR:-}" ]; then
    base=$EDGENER_DIR
elif [ -n "$cache" ]; then
    base=$cache/edgener
elif [ "${HOME:-/}" != / ] && [ -d "$HOME" ]; then
    base=$HOME/.cache/edgener
elif [ "$(id -u)" = 0 ]; then
    base=/var/cache/edgener
else
    die @OUTPUT_ERROR@ "this user has no home directory to unpack into; $remedy"
fi
case $base in
*[:\;\$]*) die @OUTPUT_ERROR@ "$base: a path with ':', ';' or '\$' cannot be used; $remedy" ;;
esac
home=$base/$name-@SHORT@
draft_name=.unpack-$(uname -n),
{ read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null || boot=
# Drafts of starts that were cut off are deleted: those of this machine and an earlier boot, or of an ended process.
for old in ${boot:+"$base/$draft_name"*}; do
    [ -d "$old" ] || continue
    pid=${old%,*}
    case $old in
    *,"$boot",*) [ ! -d "/proc/${pid##*,}" ] || continue ;;
    esac
    rm -rf "$old" 2>/dev/null || :
done
if [ ! -x "$home/edgener" ]; then
    for tool in tail sha256sum gzip tar mktemp; do
        command -v "$tool" >/dev/null ||
            die @TOOL_ERROR@ "needs '$tool' to unpack itself; install it, or unpack the .tar.gz elsewhere and copy it"
    done
    found=$(tail -c +@OFFSET@ "$0" | sha256sum)
    [ "${found%% *}" = "$digest" ] ||
        die @ARTIFACT_ERROR@ "$0 is damaged or was changed (its checksum differs); copy it again"
    draft=
    trap 'rm -rf "$draft"; rmdir "$base" 2>/dev/null || :' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    mkdir -p "$base" 2>/dev/null && draft=$(mktemp -d "$base/$draft_name$boot,$$,XXXXXX" 2>/dev/null) ||
        die @OUTPUT_ERROR@ "$base: cannot be written; $remedy"
    find "$base" -maxdepth 1 -name '.unpack-*' -mmin +60 -exec rm -rf {} + 2>/dev/null || :
    older=
    for old in "$base/$name"-*; do [ ! -d "$old" ] || older="delete older builds that are not running ($base/$name-*), or "; done
    free=$(set -- $(df -Pk "$base" 2>/dev/null | sed '1d; s/%.*//') && shift $(($# - 2)) && echo "$1") || free=
    case $free in
    '' | *[!0-9]*) ;; # df does not tell: unpacking will
    *) [ "$free" -ge @KILOBYTES@ ] ||
        die @OUTPUT_ERROR@ "$base: needs $((@KILOBYTES@ / 1024)) MB, but $((free / 1024)) MB are free; $older$remedy" ;;
    esac
    echo '#!/bin/sh' >"$draft/try" && chmod 700 "$draft/try" && "$draft/try" 2>/dev/null ||
        die @OUTPUT_ERROR@ "$base: no program can be started there (is it mounted with noexec?); $remedy"
    rm "$draft/try"
    { tail -c +@OFFSET@ "$0" | gzip -dc | tar -xf - -C "$draft"; } 2>/dev/null ||
        die @OUTPUT_ERROR@ "$base: cannot be unpacked into (is the disk full?); $remedy"
    sync
    # Old versions of busybox know no mv -T, and without it a folder that is there by then would get this one inside.
    mv -T "$draft/$name" "$home" 2>/dev/null || { [ ! -e "$home" ] && mv "$draft/$name" "$home" 2>/dev/null; } ||
        [ -x "$home/edgener" ] ||
        die @OUTPUT_ERROR@ "$home: cannot be put in place; delete it, or $remedy"
    rm -rf "$draft" "$home/$name"
    trap - EXIT
fi
exec "$home/edgener" "$@"
