#!/bin/sh
# Run once inside the new mount namespace of a host; $1 is the host's directory.
set -eu

# The copies of the lab's own mounts would keep every other host's namespaces alive after `down`.
for mount in /run/netns /run/lattice-lab; do
	while mountpoint -q "$mount"; do umount --lazy "$mount"; done
done

resolver=$(readlink -f /etc/resolv.conf || true)
mkdir -p /var/lib/docker /var/lib/lattice
mount --bind "$1/run" /run
mount --bind "$1/docker" /var/lib/docker
mount --bind "$1/lattice" /var/lib/lattice
mount --bind "$1/etc/hosts" /etc/hosts
case "$resolver" in
	/run/*) # systemd-resolved: the link leads below the /run that was just replaced
		mkdir -p "$(dirname "$resolver")"
		cp "$1/etc/resolv.conf" "$resolver"
		;;
	*) mount --bind "$1/etc/resolv.conf" /etc/resolv.conf ;;
esac
