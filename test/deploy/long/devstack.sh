#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The DevStack plugin with DevStack's own functions, against a real Keystone, MariaDB and RabbitMQ: all phases, a second
# stack, unstack, clean. Runs in the root of the test cloud (test/e2e/openstack/cloud), which the first run installs.
# DEVSTACK_DIR: a checkout of DevStack (git clone https://opendev.org/openstack/devstack).
. "$(dirname -- "${BASH_SOURCE[0]}")/../claims.sh"
. test/e2e/openstack/cloud/lib.sh

if [ ! -e "${DEVSTACK_DIR:-}/functions" ]; then
  failed 'DevStack plugin: phases' 'give a checkout with --devstack DIR (git clone https://opendev.org/openstack/devstack)'
  finish
  exit
fi
if ! test/e2e/openstack/cloud/up.sh >"$WORK/up.log" 2>&1; then
  failed 'DevStack plugin: phases' "the test cloud does not come up: $(tail -n 1 "$WORK/up.log")"
  finish
  exit
fi

files=/opt/devstack-files
inside=$CLOUD_ROOT$files
forwards=()
# The services are stopped by the phases; what a broken run leaves is ended here, by pid.
clean_up() {
  local pid
  for pid in "${forwards[@]}" $(cat "$CLOUD_ROOT"/run/devstack-units/*.pid 2>/dev/null); do kill "$pid" 2>/dev/null; done
  forget_kerbside
  in_root mariadb -e "DROP DATABASE IF EXISTS kerbside; DROP USER IF EXISTS devstack@'%'" 2>/dev/null
  rm -rf -- "$inside" "$CLOUD_ROOT/opt/devstack" "$CLOUD_ROOT/opt/stack" "$CLOUD_ROOT/run/devstack-units" "$CLOUD_ROOT/root/.npmrc"
  rm -f -- "$CLOUD_ROOT"/etc/systemd/system/devstack@kerbside-*.service "$CLOUD_ROOT/etc/openstack/clouds.yaml"
  rm -rf -- "$WORK"
}
trap clean_up EXIT

mkdir -p "$inside/bin" "$CLOUD_ROOT/opt/stack/kerbside"
rm -rf -- "$CLOUD_ROOT/opt/devstack"
cp -r "$DEVSTACK_DIR" "$CLOUD_ROOT/opt/devstack"
cp test/deploy/devstack/phases.sh "$inside/"
# sudo has a path of its own, so the stand-in must be where that leads.
cp test/deploy/devstack/systemctl "$CLOUD_ROOT/usr/local/bin/systemctl"
git ls-files -z --cached --others --exclude-standard | tar --null -T - --ignore-failed-read -cf - 2>/dev/null |
  tar -C "$CLOUD_ROOT/opt/stack/kerbside" -xf -
# Where npm looks and whom it believes on this machine holds inside, too; where Node's headers are does not.
if [ -e ~/.npmrc ]; then grep -v nodedir ~/.npmrc >"$CLOUD_ROOT/root/.npmrc"; fi
if [ -e "${NODE_EXTRA_CA_CERTS:-}" ]; then cp "$NODE_EXTRA_CA_CERTS" "$inside/ca.pem"; else : >"$inside/ca.pem"; fi
# DevStack knows these two by their usual ports only.
for pair in 3306:"$DB_PORT" 5672:"$MQ_PORT"; do
  socat "TCP-LISTEN:${pair%:*},bind=127.0.0.1,reuseaddr,fork" "TCP:127.0.0.1:${pair#*:}" &
  forwards+=($!)
done
in_root mariadb -e "CREATE OR REPLACE USER devstack@'%' IDENTIFIED BY '$CLOUD_PASSWORD'; GRANT ALL PRIVILEGES ON *.* TO devstack@'%' WITH GRANT OPTION"

# DevStack leaves an endpoint alone that is there already, and other checks of this cloud make one.
forget_kerbside() {
  local id
  for id in $(test/e2e/openstack/cloud/openstack endpoint list --service console -f value -c ID 2>/dev/null); do
    test/e2e/openstack/cloud/openstack endpoint delete "$id"
  done
  test/e2e/openstack/cloud/openstack user delete kerbside 2>/dev/null
}
forget_kerbside

in_root env CLOUD_PASSWORD="$CLOUD_PASSWORD" DATABASE_USER=devstack MYSQL_HOST=127.0.0.1 \
  NODE_EXTRA_CA_CERTS="$files/ca.pem" API_PORT=13102 SECURE_PORT=15898 INSECURE_PORT=15899 HTML5_PORT=16082 METRICS_PORT=13103 \
  bash "$files/phases.sh" /opt/devstack "$files" >"$WORK/phases.log" 2>&1
status=$?

says() { # says <claim> <pattern of a line>
  if grep -qE -- "$2" "$WORK/phases.log"; then ok "DevStack plugin: $1"; else failed "DevStack plugin: $1" "no line like $2"; fi
}
for name in pre-install install post-config extra test-config unstack clean; do
  took=$(sed -n "s/^phase $name \([0-9]*\)$/\1/p" "$WORK/phases.log" | head -n 1)
  if [ -n "$took" ]; then ok "DevStack plugin: phase $name ($took s)"; else failed "DevStack plugin: phase $name" 'it did not end well'; fi
done
says 'the API is healthy' '^answer .*"result":"ok"'
for service in api proxy conductor html5proxy; do says "kerbside-$service runs" "^service kerbside-$service active"; done
says 'the endpoints are in the catalog' '^endpoints .*public http://127.0.0.1:13102'
says 'the service user may look up console tokens' '^user .*admin'
says 'nova.conf leads to Kerbside' '^nova spice_direct_proxy_base_url = http://127.0.0.1:13102/nova-console.vv'
says 'nova.conf tells what happens to instances' '^nova notification_format = both'
says 'a second stack works' '^again .*"result":"ok"'
says 'unstack stops everything' '^after-unstack 000'
says 'clean leaves nothing' '^after-clean 0'
if [ "$status" -ne 0 ] || [ "$failures" -ne 0 ]; then tail -n 60 "$WORK/phases.log"; fi

finish
