#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The openstack command line plugin against the real cloud of test/e2e/openstack (Keystone, Nova, a guest), with the openstack
# commands of two Debian releases. The first run installs the cloud: minutes.
. "$(dirname -- "${BASH_SOURCE[0]}")/../claims.sh"

./tox-style-scripts/openstack --only 'openstack plugin' | tee "$WORK/openstack.out"
while read -r verdict claim; do
  case $verdict in
    ok) ok "$claim" ;;
    FAILED) failed "${claim%%: *}" "${claim#*: }" ;;
  esac
done < <(grep -E '^(ok|FAILED) ' "$WORK/openstack.out" | sed 's/^ok  */ok /; s/^FAILED  */FAILED /')

finish
