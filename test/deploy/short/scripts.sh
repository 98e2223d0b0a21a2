#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The scripts that deploy Kerbside and those that check it: shellcheck finds nothing.
. "$(dirname -- "${BASH_SOURCE[0]}")/../claims.sh"

all_scripts() {
  git ls-files --cached --others --exclude-standard -- 'kolla/*.sh' 'devstack/*.sh' 'test/deploy/*.sh' 2>/dev/null ||
    find kolla devstack test/deploy -name '*.sh' 2>/dev/null
  printf '%s\n' image/build tox-style-scripts/deploy
}
# Those that run among DevStack's functions are looked at by the check `devstack`, which knows their names.
scripts() { all_scripts | grep -v '^test/deploy/devstack/\|^devstack/'; }

while IFS= read -r script; do
  claim "shellcheck $script" shellcheck --shell=bash --exclude=SC1091,SC2154 -- "$script"
done < <(scripts)
finish
