#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by kolla_start in every container of Kerbside, as the user kerbside.

# Readable for the group kolla: the log collector is in it.
if [[ ! -d /var/log/kolla/kerbside ]]; then
    mkdir -p /var/log/kolla/kerbside
fi
if [[ -O /var/log/kolla/kerbside && $(stat -c %a /var/log/kolla/kerbside) != "2755" ]]; then
    chmod 2755 /var/log/kolla/kerbside
fi

. /usr/local/bin/kolla_kerbside_extend_start
