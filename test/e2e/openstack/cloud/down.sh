#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Stop the test cloud: its guests, then every service up.sh started, each by
# its pid file.  Nothing else on the machine is touched.
#   --keep-guests   leave the guests' QEMU processes running
#   --unmount       also undo the bind mounts (needed before deleting the folder)
set -u
. "$(dirname "$0")/lib.sh"

case " $* " in *" --keep-guests "*) ;; *)
    if is_up libvirtd && is_up nova-compute; then stop_all nova-compute second-nova-compute; fi
    if is_up libvirtd; then
        for d in $(in_root virsh -q list --name); do in_root virsh -q destroy "$d" >/dev/null && say "guest $d off"; done
    fi
    second_guests_off ;;
esac
# OpenStack first (all at once), then what it stands on
stop_all nova-compute second-nova-compute nova-api nova-scheduler nova-conductor glance placement keystone
stop_all neutron-stub libvirtd second-libvirtd memcached rabbitmq
stop_all epmd mariadb
# its network goes with it, so it stays while guests do
case " $* " in *" --keep-guests "*) ;; *) stop second-host ;; esac
say "down"
case " $* " in *" --unmount "*) umount_all ;; esac
