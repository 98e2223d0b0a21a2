#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One line per service: pid and memory, or "down".
. "$(dirname "$0")/lib.sh"
second=
for name in second-host second-libvirtd second-nova-compute; do
    if [ "$SECOND_COMPUTE" = yes ] || is_up "$name"; then second="$second $name"; fi
done
for name in mariadb epmd rabbitmq memcached libvirtd neutron-stub keystone placement glance \
            nova-conductor nova-scheduler nova-api nova-compute $second; do
    if is_up "$name"; then
        read -r pid _ <"$PID_DIR/$name.pid"
        kb=$(ps -o rss= --sid "$pid" | awk '{s += $1} END {print s}')
        printf '%-19s up   pid %-7s %5d MiB\n' "$name" "$pid" $((kb / 1024))
    else
        printf '%-19s down\n' "$name"
    fi
done
