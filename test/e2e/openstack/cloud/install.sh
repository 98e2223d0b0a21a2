#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Step 1: a minimal Debian with the OpenStack packages in $CLOUD_ROOT.
# Does nothing that is already done.  Run by up.sh.
set -eu
. "$(dirname "$0")/lib.sh"

PACKAGES="mariadb-server rabbitmq-server memcached
 keystone glance-api placement-api
 nova-api nova-conductor nova-scheduler nova-compute nova-compute-qemu
 python3-openstackclient python3-pymysql uwsgi uwsgi-plugin-python3
 libvirt-daemon-system libvirt-clients qemu-system-x86 qemu-system-modules-spice qemu-utils
 spice-client-gtk virt-viewer xvfb
 sudo curl procps iproute2 openssl ca-certificates"

# The mirror is the one this machine's own apt uses.
mirror() {
    if [ -r /etc/apt/sources.list.d/debian.sources ]; then
        awk '$1 == "URIs:" { print $2; exit }' /etc/apt/sources.list.d/debian.sources
    else
        awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^https?:/) { print $i; exit } }' /etc/apt/sources.list
    fi
}

if [ ! -x "$CLOUD_ROOT/usr/bin/apt-get" ]; then
    command -v debootstrap >/dev/null || { apt-get update -qq; apt-get install -y -qq debootstrap; }
    say "debootstrap $CLOUD_SUITE into $CLOUD_ROOT"
    mkdir -p "$CLOUD_ROOT"
    debootstrap --variant=minbase "$CLOUD_SUITE" "$CLOUD_ROOT" "$(mirror)" >"$CLOUD_ROOT.debootstrap.log" 2>&1 \
        || die "debootstrap failed, see $CLOUD_ROOT.debootstrap.log"
    cp /etc/resolv.conf "$CLOUD_ROOT/etc/resolv.conf" 2>/dev/null || true
    # how this machine's apt downloads: proxy, date checks
    apt-config dump | grep -E '^Acquire::(http|https|Check|Retries|Languages)' >"$CLOUD_ROOT/etc/apt/apt.conf.d/99machine" || true
    # Smaller and faster: no manuals, no fsync per file, and of the 38 emulators
    # nova-compute-qemu depends on only the PC ones (libvirt probes each: a minute).
    cat >"$CLOUD_ROOT/etc/dpkg/dpkg.cfg.d/lab" <<EOF
force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/bin/qemu-system-*
path-include=/usr/bin/qemu-system-x86_64
path-include=/usr/bin/qemu-system-i386
EOF
fi

mount_all

# No service may be started by a package: there is no init in the chroot.
printf '#!/bin/sh\nexit 101\n' >"$CLOUD_ROOT/usr/sbin/policy-rc.d"
chmod +x "$CLOUD_ROOT/usr/sbin/policy-rc.d"

missing=
for p in $PACKAGES; do
    [ "$(in_root dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || true)" = installed ] || missing="$missing $p"
done
if [ -n "$missing" ]; then
    say "installing:$missing"
    proxy=$(env | grep -i '^https\?_proxy=' || true)
    in_root $proxy apt-get update -qq
    in_root $proxy DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing \
        >"$CLOUD_ROOT/var/log/lab-install.log" 2>&1 || die "apt failed, see $CLOUD_ROOT/var/log/lab-install.log"
    in_root apt-get clean
fi
say "installed: nova $(in_root dpkg-query -W -f '${Version}' nova-api), keystone $(in_root dpkg-query -W -f '${Version}' keystone), qemu $(in_root dpkg-query -W -f '${Version}' qemu-system-x86), libvirt $(in_root dpkg-query -W -f '${Version}' libvirt-daemon)"
