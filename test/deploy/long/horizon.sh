#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Debian's Horizon with the plugin, in Chromium, in front of the built kerbside and a cloud that speaks its APIs on loopback.
# KERBSIDE_SCREENSHOTS=DIR keeps pictures. Minutes.
. "$(dirname -- "${BASH_SOURCE[0]}")/../claims.sh"

(. tox-style-scripts/prepare.sh && prepare_debian functional e2e && prepare_build && JEST_WORKERS=1 run_jest dashboard --verbose) 2>&1 |
  tee "$WORK/jest.out"
# Every test is a claim of its own: `  ✓ one click brings a .vv file (9398 ms)`
while read -r mark test; do
  test=${test% (*ms)}
  case $mark in
    ✓) ok "Horizon: $test" ;;
    ✕) failed "Horizon: $test" 'see above' ;;
  esac
done < <(grep -E '^ +[✓✕] ' "$WORK/jest.out")
grep -q '^Tests: .* passed' "$WORK/jest.out" || failed 'Horizon: all tests' 'see above'
finish
