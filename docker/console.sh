#!/bin/sh
# The console's container: reads the database password from a secret file, then gives up root.
set -eu

: "${LATTICE_HOME:=/var/lib/lattice}" "${LATTICE_HANDOVER:=/run/lattice}"
if [ -n "${LATTICE_POSTGRES_PASSWORD_FILE:-}" ]; then
	password=$(cat "$LATTICE_POSTGRES_PASSWORD_FILE")
	export DATABASE_URL="postgresql://lattice:$password@${LATTICE_POSTGRES_ADDRESS:-127.0.0.1:5433}/lattice"
fi

mkdir -p "$LATTICE_HOME" "$LATTICE_HANDOVER"
set -- node agent/cli/main.ts console --invite-file "$LATTICE_HANDOVER/invite" "$@"
if [ "$(id -u)" = 0 ]; then
	chown node:node "$LATTICE_HOME" "$LATTICE_HANDOVER"
	chmod 700 "$LATTICE_HOME" "$LATTICE_HANDOVER"
	set -- setpriv --reuid=node --regid=node --init-groups --no-new-privs "$@"
fi
exec "$@"
