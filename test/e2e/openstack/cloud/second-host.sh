#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# First process of the second compute host.  up.sh starts it in new network,
# mount and host name namespaces, with the machine's own network namespace open
# as file 9.  It gives the namespaces their contents and then stays, as the
# forwarder through which the second host reaches the cloud's services.
#
# The second host sees the same files as the first, except its own /run,
# libvirt folders and SPICE certificate.  /var/lib/nova/instances is the same
# folder on both: shared storage.
set -eu
. "$(dirname "$0")/lib.sh"
R=$CLOUD_ROOT
S=$CLOUD_ROOT/var/lib/lab/second

echo "$SECOND_HOSTNAME" >/proc/sys/kernel/hostname
mount --bind "$R/run/libvirt" "$R/var/lib/lab/first-libvirt"    # the first host's socket
for d in run etc/hosts etc/libvirt etc/pki/libvirt-spice var/lib/libvirt var/log/libvirt var/cache/libvirt; do
    mount --bind "$S/$d" "$R/$d"
done
in_root ip link set lo up
exec chroot "$R" env -i PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 forward.py 9 \
    "$MQ_PORT" "$KEYSTONE_PORT" "$GLANCE_PORT" "$PLACEMENT_PORT" "$NOVA_PORT" "$NEUTRON_PORT" "$MEMCACHED_PORT"
