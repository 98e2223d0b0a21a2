#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Kolla-Ansible role: it is clean for its linters, renders what test/deploy/golden/kolla-ansible holds, and Kerbside takes
# what is rendered. UPDATE_GOLDEN=1 writes the golden files anew.
. "$(dirname -- "${BASH_SOURCE[0]}")/../claims.sh"

role=kolla/ansible
golden=test/deploy/golden/kolla-ansible
python=/usr/bin/python3
export ANSIBLE_LOCALHOST_WARNING=0 ANSIBLE_NOCOWS=1 ANSIBLE_FORCE_COLOR=0 PYTHONDONTWRITEBYTECODE=1
export ANSIBLE_FILTER_PLUGINS=$role/roles/kerbside/filter_plugins:test/deploy/kolla-ansible/filter_plugins
# Nothing is left in the home folder, or in the tree.
export ANSIBLE_HOME=$WORK/ansible ANSIBLE_LOCAL_TEMP=$WORK/ansible/tmp

claim 'yamllint finds nothing in the role' yamllint --strict --config-file "$role/.yamllint" "$role" test/deploy/kolla-ansible
# Beside the playbook that Kolla-Ansible has beside it: the syntax of one that is imported is checked as well.
lint() {
  cp -r "$role" "$WORK/lint" && cp test/deploy/kolla-ansible/spread/gather-facts.yml "$WORK/lint/" &&
    (cd "$WORK/lint" && ansible-lint --offline --nocolor -q --project-dir . --config-file .ansible-lint)
}
claim 'ansible-lint finds nothing in the role' lint
claim 'the filters of the role keep their rules' "$python" test/deploy/kolla-ansible/filters.py

render() { # render <site>
  mkdir -p "$WORK/$1"
  ansible-playbook -i "test/deploy/kolla-ansible/sites/$1/hosts" -i "$role/inventory/kerbside" \
    -e site="$1" -e out="$WORK/$1" test/deploy/kolla-ansible/render.yml && "$python" - "$WORK/$1" <<'PYTHON'
import json, pathlib, sys
root = pathlib.Path(sys.argv[1])
rendered = root / 'rendered.json'
for path, text in json.loads(rendered.read_text()).items():
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).write_text(text)
rendered.unlink()
PYTHON
}
same_as_golden() { diff -r -u "$golden/$1" "$WORK/$1"; }
well_formed() { find "$WORK/$1" -name '*.json' -print0 | xargs -0 -n 1 "$python" -m json.tool >/dev/null; }

bash -c '. tox-style-scripts/prepare.sh && prepare_build' >"$WORK/build.out" 2>&1 || {
  cat "$WORK/build.out"
  failed 'the programs are built' 'see above'
}
ours() { node test/deploy/kolla-ansible/check.mjs "$@"; }

for site in plain secured; do
  claim "the templates render for the site $site" render "$site" || continue
  if [ -n "${UPDATE_GOLDEN:-}" ]; then
    rm -rf "${golden:?}/$site"
    mkdir -p "$golden"
    cp -r "$WORK/$site" "$golden/"
  fi
  claim "what is rendered for the site $site is what it was" same_as_golden "$site"
  claim "every JSON file of the site $site is JSON" well_formed "$site"
  claim "Kerbside knows every option that is set in the site $site" ours options "$WORK/$site"/kerbside-*/kerbside.conf
  claim "Kerbside can use the sources of the site $site" ours sources "$WORK/$site/kerbside-conductor/sources.yaml"
done
claim 'the log is taken apart for fluentd' ours log "$WORK/plain/config/15-kerbside.conf"
claim 'dashboard and alerts name metrics that there are' ours metrics \
  "$role/roles/kerbside/files/grafana-dashboard.json" "$WORK/plain/config/kerbside.rules"
claim 'alerts and scrape configuration are YAML' "$python" -c '
import sys, yaml
for path in sys.argv[1:]:
    assert isinstance(yaml.safe_load(open(path)), dict), path' \
  "$WORK/plain/config/kerbside.rules" "$WORK/plain/config/kerbside.yml"

# A secret that the role asks for and that passwords.yml does not name would be missing at the first deployment.
named_passwords() {
  "$python" - "$role" <<'PYTHON'
import pathlib, sys, yaml
role = pathlib.Path(sys.argv[1])
required = yaml.safe_load((role / 'roles/kerbside/vars/main.yml').read_text())['kerbside_required_passwords']
named = yaml.safe_load((role / 'passwords.yml').read_text())
assert sorted(named) == sorted(required), (sorted(named), sorted(required))
assert not any(named.values()), 'passwords.yml has values'
PYTHON
}
claim 'passwords.yml names every secret that the role needs, without values' named_passwords

# The playbook itself, with a role that says only where it runs.
applied() { # applied <action> <what it says>...: one line for each batch of hosts
  local action=$1
  shift
  cp -r test/deploy/kolla-ansible/spread "$WORK/" && cp "$role/kerbside.yml" "$WORK/spread/"
  ansible-playbook -i "$WORK/spread/hosts" -e kolla_action="$action" "$WORK/spread/kerbside.yml" >"$WORK/applied" 2>&1 ||
    { cat "$WORK/applied" && return 1; }
  diff <(printf '%s\n' "$@") <(grep -oE '(applied|prepared) [a-z0-9 ]+' "$WORK/applied")
}
all='control01 control02 control03 network01 network02'
claim "the playbook deploys on every service's hosts, wherever they are" applied deploy "applied $all"
nodes=()
for host in $all; do nodes+=("applied $host"); done
claim 'the playbook upgrades one host after the other, those of the REST service first' applied upgrade "prepared $all" "${nodes[@]}"
claim 'the playbook reconfigures one host after the other' applied reconfigure "${nodes[@]}"

# Installing beside Kolla-Ansible, in a tree of its shape.
tree=$WORK/kolla-ansible
mkdir -p "$tree/group_vars/all" "$tree/roles/service-ks-register"
touch "$tree/site.yml" "$tree/gather-facts.yml"
printf 'nova_database_password: kept' >"$WORK/passwords.yml"
installer() { "$role/install.sh" --kolla-ansible "$tree" "$@"; }
install_twice() {
  installer --passwords "$WORK/passwords.yml" && cp -r "$tree" "$WORK/once" && cp "$WORK/passwords.yml" "$WORK/passwords.once" &&
    installer --passwords "$WORK/passwords.yml" && diff -r "$WORK/once" "$tree" && diff "$WORK/passwords.once" "$WORK/passwords.yml" &&
    diff -r --exclude .installed-by-kerbside --exclude __pycache__ "$role/roles/kerbside" "$tree/roles/kerbside" &&
    grep -qx 'nova_database_password: kept' "$WORK/passwords.yml" && grep -qx 'kerbside_encryption_key:' "$WORK/passwords.yml"
}
claim 'install.sh may be run again and adds the names of passwords once' install_twice
uninstalled() { installer --uninstall && [ -z "$(find "$tree" -name '*kerbside*')" ]; }
claim 'install.sh --uninstall leaves nothing behind' uninstalled
refused() { # refused <words> <command>...
  local words=$1
  shift
  if "$@" >"$WORK/refused" 2>&1; then return 1; fi
  grep -q -- "$words" "$WORK/refused" || { cat "$WORK/refused" && return 1; }
}
mkdir -p "$tree/roles/kerbside"
claim 'install.sh does not replace a role that is not its own' refused 'move it away first' installer
claim 'install.sh names what is missing in a folder that is no Kolla-Ansible' \
  refused 'site.yml is missing' "$role/install.sh" --kolla-ansible "$WORK"
finish
