#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The plugin of Horizon with Debian's Horizon and services that speak HTTP on loopback, that a package can be made of it, and
# that Kolla's image takes it. The long lane looks at it in a browser.
. "$(dirname -- "${BASH_SOURCE[0]}")/../claims.sh"

# Every test is a claim of its own: `test_anything_else (tests.test_plugin.ClickTest.test_anything_else) ... ok`
(cd clients/horizon-kerbside && PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -W ignore -m unittest discover -v -s tests -t .) \
  >"$WORK/unittest.out" 2>&1
while read -r test where verdict; do
  case $verdict in
    '... ok') ok "Horizon plugin: $test" ;;
    '... '*) failed "Horizon plugin: $test" "${verdict#... }, see $where above" ;;
  esac
done < <(grep -E '^test_' "$WORK/unittest.out")
if ! grep -q '^OK' "$WORK/unittest.out"; then
  cat "$WORK/unittest.out"
  failed 'Horizon plugin: all tests' 'see above'
fi

claim 'Horizon plugin: flake8' /usr/bin/python3 -m flake8 --max-line-length 120 --extend-ignore E203 clients/horizon-kerbside

# Installed by pip as on a dashboard's host: with what is no Python in it, and without the tests.
installed() {
  cp -r clients/horizon-kerbside "$WORK/source"
  /usr/bin/python3 -m pip install -q --no-deps --no-build-isolation --no-index --target "$WORK/site" "$WORK/source" || return 1
  local path
  for path in enabled/_1490_kerbside.py templates/horizon_kerbside/_desktop_tab.html conf/kerbside_policy.yaml \
    conf/default_policies/kerbside.yaml; do
    [ -s "$WORK/site/horizon_kerbside/$path" ] || { echo "$path is missing" && return 1; }
  done
  [ ! -e "$WORK/site/tests" ]
}
claim 'Horizon plugin: pip installs all of it, and no tests' installed

# As kolla-build does it: the file extends Kolla's template and adds to its last block.
rendered() {
  /usr/bin/python3 - >"$WORK/Dockerfile" <<'PYTHON'
import jinja2
parent = 'FROM kolla/openstack-base:test\nADD horizon-archive /\n{% block horizon_footer %}{% endblock %}\n'
environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
print(environment.from_string(open('kolla/horizon-overrides.j2').read()).render(parent_template=environment.from_string(parent)))
PYTHON
  grep -qx 'ADD additions-archive /' "$WORK/Dockerfile" && grep -q 'pip .*install /additions/horizon-kerbside' "$WORK/Dockerfile"
}
claim "Horizon plugin: Kolla's image takes it" rendered
addition() { # the folder's last name is the one below /additions
  [ "$(sed -n '/^\[horizon-additions-kerbside\]/,/^$/s/^location = //p' kolla/kolla-build.conf)" = clients/horizon-kerbside ]
}
claim 'Horizon plugin: kolla-build.conf says where it is' addition
finish
