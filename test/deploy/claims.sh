# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by the checks of test/deploy: says what holds and what does not, in the form that tox-style-scripts/deploy counts.
#   claim <claim> <command>...   ok when the command succeeds; otherwise FAILED with the last lines it wrote
#   ok <claim>                   failed <claim> <why>
#   finish                       last line of a check: exit status 1 when a claim failed
# The check runs in the root of the repository; $WORK is a folder of its own that goes away with it.
set -uo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." || exit 1
export PATH="$PWD/node_modules/.bin:$PATH:/usr/sbin:/sbin" LC_ALL=C.UTF-8

WORK=$(mktemp -d)
trap 'rm -rf -- "$WORK"' EXIT
failures=0

ok() { printf 'ok %s\n' "$*"; }

failed() {
  printf 'FAILED %s: %s\n' "$1" "${2:-no reason given}"
  failures=$((failures + 1))
}

claim() {
  local text=$1
  shift
  if "$@" >"$WORK/claim.out" 2>&1; then
    ok "$text"
    return 0
  fi
  sed 's/^/    /' "$WORK/claim.out" | tail -n 20
  failed "$text" "$(tail -n 1 "$WORK/claim.out" | cut -c 1-300)"
  return 1
}

finish() { [ "$failures" -eq 0 ]; }
