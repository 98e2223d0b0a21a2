#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The scripts that deploy Kerbside and those that check it: shellcheck finds nothing.
. "$(dirname -- "${BASH_SOURCE[0]}")/../claims.sh"

scripts() {
  git ls-files --cached --others --exclude-standard -- 'kolla/*.sh' 'devstack/*.sh' 'test/deploy/*.sh' 2>/dev/null ||
    find kolla devstack test/deploy -name '*.sh' 2>/dev/null
  printf 'tox-style-scripts/deploy\n'
}

while IFS= read -r script; do
  claim "shellcheck $script" shellcheck --shell=bash --exclude=SC1091 -- "$script"
done < <(scripts)
finish
