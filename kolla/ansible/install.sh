#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Puts the role of Kerbside into an installed Kolla-Ansible, or takes it out again. It may be run again at any time: after an
# upgrade of Kolla-Ansible, and after one of Kerbside.
#   install.sh [--kolla-ansible DIR] [--passwords FILE]
#   install.sh --uninstall [--kolla-ansible DIR]
#     --kolla-ansible DIR  its playbooks: the folder with site.yml; default: that of the kolla-ansible in PATH
#     --passwords FILE     passwords.yml of the site; default: /etc/kolla/passwords.yml where it exists. The names of Kerbside's
#                          passwords are added to it without values; kolla-genpwd fills them in
set -euo pipefail
source=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
mark=.installed-by-kerbside
playbooks='' passwords='' uninstall=no

fail() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

while [ $# -gt 0 ]; do
  case $1 in
    --kolla-ansible) playbooks=${2:?--kolla-ansible takes a folder} && shift ;;
    --passwords) passwords=${2:?--passwords takes a file} && shift ;;
    --uninstall) uninstall=yes ;;
    -h | --help) sed -n '3,10s/^# *//p' "$0" && exit 0 ;;
    *) fail "$1: no such option; see --help" ;;
  esac
  shift
done

# The Python of the kolla-ansible in PATH knows where its playbooks are.
find_playbooks() {
  local program python
  program=$(command -v kolla-ansible) ||
    fail 'kolla-ansible is not in PATH: activate its virtual environment, or give --kolla-ansible DIR'
  python=$(sed -n '1s/^#! *//p' "$program")
  ${python:-python3} -c 'from kolla_ansible import utils; print(utils.get_data_files_path("ansible"))' ||
    fail "$program does not say where its playbooks are; give --kolla-ansible DIR"
}

[ -n "$playbooks" ] || playbooks=$(find_playbooks)
if [ -f "$playbooks/ansible/site.yml" ]; then playbooks=$playbooks/ansible; fi
for file in site.yml gather-facts.yml group_vars/all roles/service-ks-register; do
  [ -e "$playbooks/$file" ] ||
    fail "$playbooks/$file is missing: this is not the ansible folder of a Kolla-Ansible that Kerbside's role works with"
done
role=$playbooks/roles/kerbside

# A role of that name which somebody else brought is not ours to replace.
if [ -e "$role" ] && [ ! -e "$role/$mark" ]; then
  fail "$role is there and was not put there by this script: move it away first"
fi

if [ "$uninstall" = yes ]; then
  rm -rf -- "$role"
  rm -f -- "$playbooks/kerbside.yml" "$playbooks/group_vars/all/kerbside.yml"
  printf 'Kerbside is out of %s; containers, configuration, database and passwords stay\n' "$playbooks"
  exit 0
fi

# The new role stands complete beside the old one before it takes its place.
rm -rf -- "$role.new"
cp -r -- "$source/roles/kerbside" "$role.new"
find "$role.new" -name __pycache__ -prune -exec rm -rf {} +
cp -- "$source/inventory/kerbside" "$role.new/$mark"
chmod -R u=rwX,go=rX "$role.new"
rm -rf -- "$role"
mv -- "$role.new" "$role"
install -m 0644 -- "$source/group_vars/kerbside.yml" "$playbooks/group_vars/all/kerbside.yml"
install -m 0644 -- "$source/kerbside.yml" "$playbooks/kerbside.yml"

add_passwords() {
  local name added=()
  if head -n 1 -- "$passwords" | grep -q '^[$]ANSIBLE_VAULT'; then
    printf '%s is encrypted: add these names to it yourself, with random values of 40 characters:\n' "$passwords"
    sed -n 's/^\(kerbside_[a-z_]*\):.*/  \1/p' "$source/passwords.yml"
    return
  fi
  while read -r name; do
    grep -q "^$name:" "$passwords" && continue
    # A file without a newline at its end would swallow the first name.
    [ -z "$(tail -c 1 -- "$passwords")" ] || printf '\n' >>"$passwords"
    printf '%s:\n' "$name" >>"$passwords"
    added+=("$name")
  done < <(sed -n 's/^\(kerbside_[a-z_]*\):.*/\1/p' "$source/passwords.yml")
  [ "${#added[@]}" -eq 0 ] || printf 'added to %s: %s; run kolla-genpwd -p %s\n' "$passwords" "${added[*]}" "$passwords"
}

if [ -z "$passwords" ] && [ -f /etc/kolla/passwords.yml ]; then passwords=/etc/kolla/passwords.yml; fi
if [ -n "$passwords" ]; then
  [ -w "$passwords" ] || fail "$passwords: no such file, or no right to write it; the role itself is installed"
  add_passwords
fi
printf 'Kerbside is in %s; deploy it with\n  kolla-ansible deploy -i INVENTORY -i %s -p %s\n' \
  "$playbooks" "$source/inventory/kerbside" "$playbooks/kerbside.yml"
