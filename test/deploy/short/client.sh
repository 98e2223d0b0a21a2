#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The commands of the openstack command line plugin, as a user types them, with Debian's openstack command and a cloud that
# speaks HTTP on loopback; and that a package can be made of the plugin.
. "$(dirname -- "${BASH_SOURCE[0]}")/../claims.sh"

# Every test of the plugin is a claim of its own: `test_save (tests.test_commands.DesktopTest.test_save) ... ok`
(cd clients/python-kerbsideclient && PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m unittest discover -v -s tests -t .) \
  >"$WORK/unittest.out" 2>&1
while read -r test where verdict; do
  case $verdict in
    '... ok') ok "openstack plugin: $test" ;;
    '... '*) failed "openstack plugin: $test" "${verdict#... }, see $where above" ;;
  esac
done < <(grep -E '^test_' "$WORK/unittest.out")
if ! grep -q '^OK' "$WORK/unittest.out"; then
  cat "$WORK/unittest.out"
  failed 'openstack plugin: all tests' 'see above'
fi

claim 'openstack plugin: flake8' /usr/bin/python3 -m flake8 --max-line-length 120 --extend-ignore E203 clients/python-kerbsideclient

# pip wants neither network nor compiler for this: the package has no dependencies that it does not find.
build_wheel() {
  cp -r clients/python-kerbsideclient "$WORK/source"
  /usr/bin/python3 -m pip wheel -q --no-deps --no-build-isolation --no-index -w "$WORK/wheel" "$WORK/source" || return 1
  /usr/bin/python3 -m zipfile -l "$WORK/wheel"/*.whl >"$WORK/wheel.list" || return 1
  grep -q 'kerbsideclient/osc/v1/desktop.py' "$WORK/wheel.list" && ! grep -q 'tests/' "$WORK/wheel.list"
}
claim 'openstack plugin: a wheel holds the commands and no tests' build_wheel

finish
