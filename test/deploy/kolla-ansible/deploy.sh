# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by long/kolla-ansible.sh: the role's containers on podman, with a private MariaDB.
# shellcheck disable=SC2154  # root, nodes, here, pids: of long/kolla-ansible.sh
tag=${KERBSIDE_TAG:-kerbside-1.0}
image=localhost/kolla/kerbside-api:$tag
if ! pod image exists "$image"; then
  failed 'deploy: containers' "the store $DEPLOY_CACHE has no image localhost/kolla/kerbside-api: run kolla-images first (deploy --long --kolla DIR kolla-images)"
  return
fi
# The load balancer has its configuration; an image of it is not here.
options=(-e "kerbside_tag=$tag" -e enable_loadbalancer=false -e container_engine_client_timeout=120)
services=(kerbside_api kerbside_proxy kerbside_conductor)
if pod image exists "localhost/kolla/kerbside-html5proxy:$tag" && once --network none --entrypoint /bin/sh "$image" -c 'command -v kerbside-html5proxy' >/dev/null; then
  services+=(kerbside_html5proxy)
else
  echo 'deploy: the images have no kerbside-html5proxy; the other three are deployed'
  options+=(-e enable_kerbside_html5proxy=false)
fi
deploy() { kerbside deploy "${options[@]}" "$@"; }

secret() { sed -n "s/^$1: //p" "$root/etc/kolla/passwords.yml"; }
database() {
  (trap - EXIT; exec mariadbd --no-defaults --user=root --datadir="$WORK/mysql" --tmpdir="$WORK/tmp" --bind-address=192.0.2.1 --port=3306 --socket="$WORK/mysql.sock" \
    --pid-file="$WORK/mysql.pid" --skip-name-resolve) >"$WORK/mysql.log" 2>&1 &
  pids+=($!)
  until_true 30 mariadb --no-defaults --socket="$WORK/mysql.sock" -e 'SELECT 1'
}
# A server that starts removes all temporary tables in its folder, those of others too.
mkdir "$WORK/tmp"
mariadb-install-db --no-defaults --user=root --datadir="$WORK/mysql" --tmpdir="$WORK/tmp" --auth-root-authentication-method=normal >"$WORK/install-db.log" 2>&1
claim 'a private MariaDB' database
mariadb --no-defaults --socket="$WORK/mysql.sock" -e "CREATE DATABASE kerbside CHARACTER SET utf8mb4;
  CREATE USER kerbside@'%' IDENTIFIED BY '$(secret kerbside_database_password)'; GRANT ALL ON kerbside.* TO kerbside@'%'"
schema() { mariadb --no-defaults --socket="$WORK/mysql.sock" -N kerbside -e 'SHOW TABLES' | wc -l; }

# No database: the bootstrap says so, and nothing but its container has begun.
kill "$(cat "$WORK/mysql.pid")"
until_true 30 bash -c "! test -e '$WORK/mysql.pid'"
claim 'deploy: without a database the bootstrap says so' says 'Container exited with non-zero return code' deploy
claim 'deploy: and names the database' grep -qE 'database .*(192.0.2.1|ECONNREFUSED|cannot be reached)' "$WORK/play.out"
claim 'a private MariaDB, again' database

# A bootstrap that was killed half-way has left its container behind.
pod create --name bootstrap_kerbside "${run_options[@]}" --network host "$image" >/dev/null
claim 'deploy: containers, bootstrap, and all of them serve' timed deploy
claim 'deploy: the schema is there' [ "$(schema)" -gt 5 ]
gone() { ! pod container exists bootstrap_kerbside; }
claim 'deploy: the bootstrap container of before is gone, and its own too' gone
runs() { [ "$(pod inspect --format '{{.State.Running}}' "$1")" = true ]; }
for service in "${services[@]}"; do claim "deploy: $service runs" runs "$service"; done
user_of() { pod exec "$1" id -un | grep -qx kerbside; }
claim 'deploy: as the user kerbside' user_of kerbside_proxy
claim 'deploy: the REST service answers' curl -fsS --max-time 5 http://192.0.2.11:13002/healthcheck
claim 'deploy: the metrics answer' curl -fsS --max-time 5 -o "$WORK/metrics" http://192.0.2.11:13003/metrics
through() {
  in_root haproxy -D -p /run/haproxy.pid -f "$nodes/haproxy/haproxy.cfg" -f "$nodes/haproxy/services.d"
  pids+=("$(cat "$root/run/haproxy.pid")")
  until_true 20 curl -fsS --max-time 5 http://192.0.2.1:13002/healthcheck &&
    until_true 20 bash -c "openssl s_client -connect 192.0.2.1:5898 -CAfile '$root/etc/kolla/config/kerbside/cacert.pem' </dev/null 2>&1 | grep -q 'Verify return code: 0'"
}
claim 'haproxy: runs with its configuration, and REST and SPICE answer through it' through
# Without a header from the balancer's address there is no TLS: nobody passes by it.
bare() { ! openssl s_client -connect 192.0.2.11:5898 </dev/null 2>&1 | grep -q 'BEGIN CERTIFICATE'; }
claim "deploy: the SPICE port wants the PROXY header from the balancer's address" bare
# systemd would run them every half minute.
well() { pod healthcheck run "$1"; }
for service in "${services[@]}"; do claim "deploy: the health check of $service passes" well "$service"; done
own_image() { [ "$(pod inspect --format '{{.ImageName}}' "$1")" = "$2" ]; }

claim 'deploy-containers: changes nothing in a second run' timed unchanged kerbside deploy-containers "${options[@]}"
claim 'check: finds everything well' kerbside check "${options[@]}"
claim 'validate-config: the program takes its configuration' kerbside config_validate "${options[@]}"

# An upgrade, broken off after some containers have changed, and run again.
for name in api proxy conductor html5proxy; do
  pod image exists "localhost/kolla/kerbside-$name:$tag" && pod tag "localhost/kolla/kerbside-$name:$tag" "localhost/kolla/kerbside-$name:next"
done
next=("${options[@]}" -e kerbside_tag=next)
claim 'upgrade: one that cannot have an image stops there' says 'kerbside-proxy' kerbside upgrade "${next[@]}" -e kerbside_proxy_tag=missing
claim 'upgrade: and what came before it has the new release' own_image kerbside_api localhost/kolla/kerbside-api:next
claim 'upgrade: what comes after it goes on as before' own_image kerbside_proxy "localhost/kolla/kerbside-proxy:$tag"
claim 'upgrade: the same command finishes it' timed kerbside upgrade "${next[@]}"
claim 'upgrade: everything has the new release' own_image kerbside_proxy localhost/kolla/kerbside-proxy:next
claim 'upgrade: everything serves' curl -fsS --max-time 5 http://192.0.2.11:13002/healthcheck
claim 'reconfigure: a changed option reaches the containers' timed kerbside reconfigure "${next[@]}" -e kerbside_proxy_workers=1
has_option() { pod exec kerbside_proxy grep -qx 'workers = 1' /etc/kerbside/kerbside.conf; }
claim 'reconfigure: in their own files' has_option
claim 'stop: stops all containers' kerbside stop "${next[@]}" -e kolla_action_stop_ignore_missing=false
stopped() { ! runs "$1"; }
for service in "${services[@]}"; do claim "stop: $service is stopped" stopped "$service"; done
claim 'deploy: goes on after a stop' deploy -e kerbside_tag=next
for name in api proxy conductor html5proxy; do pod untag "localhost/kolla/kerbside-$name:next" "localhost/kolla/kerbside-$name:next" 2>/dev/null; done
