#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The patch for Skyline applies to the release that its README names.
#   SKYLINE_DIR  a checkout of that release: git clone -b 8.0.0 https://opendev.org/openstack/skyline-console
. "$(dirname -- "${BASH_SOURCE[0]}")/../claims.sh"
patch=$PWD/clients/skyline/kerbside.patch

if [ ! -e "${SKYLINE_DIR:-}/src/pages/compute/containers/Instance/actions/index.jsx" ]; then
  failed 'Skyline' 'give a checkout with --skyline DIR (git clone -b 8.0.0 https://opendev.org/openstack/skyline-console)'
  finish
  exit
fi
# In a copy: the checkout stays as it is.
mkdir "$WORK/tree" && cp -r "$SKYLINE_DIR/src" "$WORK/tree/" && git init -q "$WORK/tree"
applied() { git -C "$WORK/tree" apply --check "$patch" && git -C "$WORK/tree" apply "$patch"; }
claim 'Skyline: the patch applies' applied
json() { for language in en zh-hans; do /usr/bin/python3 -m json.tool "$WORK/tree/src/locales/$language.json" >/dev/null || return 1; done; }
claim 'Skyline: its languages are JSON still' json
finish
