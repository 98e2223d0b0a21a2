#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The systemd units as systemd itself reads them, without running one.
. "$(dirname -- "${BASH_SOURCE[0]}")/../claims.sh"

units=(etc/systemd/*.service)
services() { node -p 'Object.keys(require("./package.json").bin).filter((name) => !/-(manage|status)$/.test(name)).join("\n")'; }
for name in $(services); do
  claim "systemd: $name has a unit that starts it" grep -qx "ExecStart=/usr/bin/$name" "etc/systemd/$name.service"
done

# verify looks for the programs; they are not installed on a machine that only tests.
mkdir -p "$WORK/bin" "$WORK/units"
for unit in "${units[@]}"; do
  name=$(basename -- "$unit" .service)
  ln -s /bin/true "$WORK/bin/$name"
  sed "s,^ExecStart=/usr/bin/,ExecStart=$WORK/bin/," "$unit" >"$WORK/units/$name.service"
done
verify() { systemd-analyze verify --man=no "$1" >"$WORK/verify" 2>&1; grep -F "$(basename -- "$1")" "$WORK/verify" | grep -vE 'Unit .* not found' && return 1; return 0; }
# 1.1 of 10; what is left is the network, which these programs are for, and V8's compiler.
exposure() {
  local score
  score=$(systemd-analyze security --offline=yes --no-pager "$1" | sed -n 's/.*Overall exposure level for .*: \([0-9.]*\) .*/\1/p')
  echo "exposure $score"
  awk -v score="$score" 'BEGIN { exit !(score != "" && score <= 1.2) }'
}
for unit in "${units[@]}"; do
  name=$(basename -- "$unit" .service)
  claim "systemd: $name passes systemd-analyze verify" verify "$WORK/units/$name.service"
  claim "systemd: the exposure of $name is 1.2 at most" exposure "$unit"
done

default_of() { # default_of <option of [proxy]>, in whole seconds or files
  node --input-type=module -e 'const { PROXY_GROUP } = await import("./dist/conf/proxy.js"); console.log(PROXY_GROUP.options[process.argv[1]].default)' "$1"
}
drain=$(default_of drain_timeout) connections=$(default_of max_connections)
setting() { sed -n "s/^$2=//p" "etc/systemd/$1.service"; }
for unit in "${units[@]}"; do
  name=$(basename -- "$unit" .service)
  claim "systemd: $name has more time to stop than draining and closing take" test "$(setting "$name" TimeoutStopSec)" -gt "$((drain + 10))"
  claim "systemd: $name comes back after a failure only" test on-failure = "$(setting "$name" Restart)"
done
for name in kerbside kerbside-proxy; do
  claim "systemd: $name may open two files for each connection" test "$(setting "$name" LimitNOFILE)" -gt "$((2 * connections))"
done

account() { systemd-sysusers --root="$WORK/root" --replace=/usr/lib/sysusers.d/kerbside.conf - <etc/systemd/kerbside.sysusers && grep -q '^kerbside:' "$WORK/root/etc/passwd"; }
mkdir -p "$WORK/root/etc"
claim 'systemd: systemd-sysusers makes the user' account
folders() {
  systemd-tmpfiles --root="$WORK/root" --create - <etc/systemd/kerbside.tmpfiles
  [ "$(stat -c %a "$WORK/root/etc/kerbside" "$WORK/root/var/lib/kerbside" | xargs)" = '750 700' ]
}
claim 'systemd: systemd-tmpfiles makes the folders with their rights' folders
finish
