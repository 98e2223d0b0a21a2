#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The one-shot runs of this image: each is chosen by a variable that is set, to whatever value, and ends the container with
# the status of its command.

# The first deployment, and any repetition of it: an up-to-date schema is left alone.
if [[ -v KOLLA_BOOTSTRAP ]]; then
    kerbside-manage db sync
    exit 0
fi

# Before the services of a new release start.
if [[ -v KOLLA_UPGRADE ]]; then
    kerbside-manage db sync
    exit 0
fi

# Before an upgrade: 0 all well, 1 warnings, 2 it would not start.
if [[ -v KOLLA_UPGRADE_CHECK ]]; then
    kerbside-status upgrade check && exit 0
    exit $?
fi

# After an upgrade: Kerbside has no migrations that run beside the services.
if [[ -v KOLLA_OSM ]]; then
    exit 0
fi
