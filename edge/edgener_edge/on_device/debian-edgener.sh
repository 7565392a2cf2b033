#!/bin/sh
# The command of the package uses, installs and checks the models of its services.
export EDGENER_MODELS="${EDGENER_MODELS:-/var/lib/edgener/models}"
exec /opt/edgener/edgener "$@"
