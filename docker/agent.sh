#!/bin/sh
# The agent's container: joins once, with the invite that the console leaves in the folder they share.
set -eu

: "${LATTICE_HOME:=/var/lib/lattice}" "${LATTICE_HANDOVER:=/run/lattice}"
if [ ! -s "$LATTICE_HOME/agent/enrolment.json" ] && [ -z "${LATTICE_INVITE:-}" ]; then
	echo "waiting for an invite in $LATTICE_HANDOVER/invite" >&2
	until [ -s "$LATTICE_HANDOVER/invite" ]; do sleep 1; done
	LATTICE_INVITE=$(cat "$LATTICE_HANDOVER/invite")
	export LATTICE_INVITE
fi
exec node --max-semi-space-size=2 agent/main.ts
