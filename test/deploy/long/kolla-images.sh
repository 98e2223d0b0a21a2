#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016  # shells inside the image expand their own variables
# The Kolla images: templates rendered by kolla-build, built by buildah, run by kolla_start with a config.json, MariaDB beside
# them. KOLLA_DIR: a checkout of Kolla (git clone https://opendev.org/openstack/kolla).
. "$(dirname -- "${BASH_SOURCE[0]}")/../claims.sh"
. test/deploy/containers.sh

if [ ! -e "${KOLLA_DIR:-}/kolla/cmd/build.py" ]; then
  failed 'kolla images' 'give a checkout with --kolla DIR (git clone https://opendev.org/openstack/kolla)'
  finish
  exit
fi
tag=kerbside-1.0
claim 'kolla images: a Debian base by debootstrap' need_debian || exit 1

# --- rendering and building -------------------------------------------------------------------------------------------

# Kolla's base asks extrepo and key servers for the sources of other projects; Debian's own packages are enough here.
cat >"$WORK/overrides.j2" <<'J2'
{% extends parent_template %}
{% block base_debian_after_sources_list %}
RUN printf '#!/bin/sh\nexit 0\n' > /usr/local/sbin/extrepo && chmod 755 /usr/local/sbin/extrepo
{% endblock %}
{% block base_ubuntu_package_key_installation %}{% endblock %}
J2
# The working tree without what git ignores, as the documented `git archive` has it of a commit.
pack_source() {
  git ls-files -z --cached --others --exclude-standard | tar --null -T - --ignore-failed-read --transform 's,^,kerbside/,' -cf "$1" 2>/dev/null
}
# kolla-build reads location where it runs, so it runs in a folder of the test.
render() {
  pack_source "$WORK/kerbside.tar"
  (cd "$WORK" && PBR_VERSION=22.0.0 PYTHONPATH=$KOLLA_DIR /usr/bin/python3 "$KOLLA_DIR/kolla/cmd/build.py" \
    --config-file "$repository/kolla/kolla-build.conf" --docker-dir "$repository/kolla/docker" \
    --template-override "$WORK/overrides.j2" --base-image localhost/debian --base-tag trixie \
    --template-only --work-dir "$WORK/rendered" '^kerbside')
}
repository=$PWD
claim 'kolla images: kolla-build renders the templates' render || exit 1
templates=$WORK/rendered/docker
claim "kolla images: ours replace Kolla's of the same names" cmp kolla/docker/kerbside/kerbside-api/extend_start.sh \
  "$templates/kerbside/kerbside-api/extend_start.sh"

# Kolla's base takes a minute and changes with Kolla only.
kolla_commit=$(git -C "$KOLLA_DIR" rev-parse --short HEAD 2>/dev/null || echo unknown)
if ! pod image exists "localhost/kolla-base:$kolla_commit"; then
  build "localhost/kolla-base:$kolla_commit" "$templates/base" --layers=false || { failed 'kolla images: base builds' "Kolla's own"; exit 1; }
fi
pod tag "localhost/kolla-base:$kolla_commit" "localhost/kolla/base:$tag"
cp "$WORK/kerbside.tar" "$templates/kerbside/kerbside-base/kerbside-base-archive"
names=(kerbside-base kerbside-api kerbside-proxy kerbside-conductor kerbside-html5proxy)
base=$(megabytes "localhost/kolla/base:$tag")
echo "localhost/kolla/base:$tag: $base MB"
for name in "${names[@]}"; do
  if ! build "localhost/kolla/$name:$tag" "$templates/kerbside/$name" --layers; then
    failed "kolla images: $name builds" "see $DEPLOY_CACHE"
    exit 1
  fi
  ok "kolla images: $name builds"
  added=$(($(megabytes "localhost/kolla/$name:$tag") - base))
  echo "$name: $added MB over base"
  claim "kolla images: $name is 250 MB at most over base" [ "$added" -le 250 ]
done
inside() { once --network none --entrypoint '' "localhost/kolla/$image:$tag" "$@"; }
for image in "${names[@]}"; do
  claim "kolla images: $image has no compiler, make or npm" inside sh -c \
    'for name in cc gcc g++ make npm npx; do ! command -v "$name" || exit 1; done'
  claim "kolla images: $image runs Node 24, and its SQLite loads" inside sh -c \
    'node --version | grep -q "^v24\." && node -e "new (require(\"/opt/kerbside/node_modules/better-sqlite3\"))(\":memory:\")"'
  [ "$image" = kerbside-base ] || claim "kolla images: $image runs as the user kerbside, in the group kolla" inside sh -c \
    '[ "$(id -un) $(id -u)" = "kerbside 42495" ] && id -Gn | grep -qw kolla'
done
image=kerbside-html5proxy
claim 'kolla images: kerbside-html5proxy has the pages of spice-html5' inside test -e /usr/share/spice-html5/spice_auto.html

# --- a site -----------------------------------------------------------------------------------------------------------

database_port=$(free_port) api=$(free_port) secure=$(free_port) plain=$(free_port) metrics=$(free_port) html5=$(free_port)
chmod 755 "$WORK"
mkdir -p "$WORK/mysql" "$WORK/config" "$WORK/log"
chmod 777 "$WORK/log"
# MariaDB refuses to run as root; its own account comes with a package that is not needed here.
account=$(getent passwd mysql nobody | head -n 1 | cut -d : -f 1)
chown "$account" "$WORK/mysql"
printf '%s\n' "CREATE DATABASE kerbside CHARACTER SET utf8mb4;" "CREATE USER kerbside@'%' IDENTIFIED BY 'database-secret';" \
  "GRANT ALL ON kerbside.* TO kerbside@'%';" >"$WORK/init.sql"
chmod 644 "$WORK/init.sql"
mariadb-install-db --no-defaults --user="$account" --datadir="$WORK/mysql" --tmpdir="$WORK/mysql" --auth-root-authentication-method=normal \
  --skip-test-db --force >"$WORK/install.log" 2>&1
mariadbd --no-defaults --skip-name-resolve --user="$account" --datadir="$WORK/mysql" --tmpdir="$WORK/mysql" --socket="$WORK/mysql/sock" --bind-address=127.0.0.1 --port="$database_port" \
  --init-file="$WORK/init.sql" --pid-file="$WORK/mysql/pid" >"$WORK/mariadb.log" 2>&1 &
database=$!
clean_up() {
  end_containers
  kill "$database" 2>/dev/null && wait "$database" 2>/dev/null
  rm -rf -- "$WORK"
}
sql() { mariadb --no-defaults --socket="$WORK/mysql/sock" --user=root "$@"; }
claim 'kolla images: a private MariaDB' until_true 60 sql kerbside -e 'SELECT 1' || exit 1

# configure SERVICE PASSWORD [line...]: what Kolla-Ansible renders for a container
configure() {
  local service=$1 password=$2
  shift 2
  certificate "$WORK/config"
  printf '01234567 %s\n' "$(head -c 32 /dev/zero | base64)" >"$WORK/config/encryption.key"
  echo '[]' >"$WORK/config/sources.yaml"
  {
    printf '[DEFAULT]\nnode_name = test-node\nlog_file = /var/log/kolla/kerbside/%s.log\n' "$service"
    printf '[database]\nconnection = mysql+pymysql://kerbside:%s@127.0.0.1:%s/kerbside\n' "$password" "$database_port"
    printf '[api]\naddress = 127.0.0.1\nport = %s\nauth_secret_seed = %s\n' "$api" "${seed-0123456789abcdef0123456789abcdef}"
    printf '[spice]\naddress = 127.0.0.1\nsecure_port = %s\ninsecure_port = %s\n' "$secure" "$plain"
    printf 'cert_path = /etc/kerbside/cert.pem\nkey_path = /etc/kerbside/key.pem\ncacert_path = /etc/kerbside/cert.pem\n'
    printf '[sources]\npath = /etc/kerbside/sources.yaml\n[metrics]\naddress = 127.0.0.1\nport = %s\nconductor_port = %s\nhtml5proxy_port = %s\n' "$metrics" "$metrics" "$metrics"
    printf '[html5proxy]\naddress = 127.0.0.1\nport = %s\n' "$html5"
    printf '%s\n' "$@"
  } >"$WORK/config/kerbside.conf"
  {
    printf '{"command": "%s --config-file /etc/kerbside/kerbside.conf", "config_files": [' "$service"
    for file in kerbside.conf sources.yaml cert.pem key.pem; do
      printf '{"source": "/var/lib/kolla/config_files/%s", "dest": "/etc/kerbside/%s", "owner": "kerbside", "perm": "0600"}, ' "$file" "$file"
    done
    printf '{"source": "/var/lib/kolla/config_files/encryption.key", "dest": "/var/lib/kerbside/encryption.key", "owner": "kerbside", "perm": "0600"}], '
    printf '"permissions": [{"path": "/var/log/kolla/kerbside", "owner": "kerbside:kolla", "recurse": true}]}\n'
  } >"$WORK/config/config.json"
}
kolla=(--network host -e KOLLA_CONFIG_STRATEGY=COPY_ALWAYS -v "$WORK/config:/var/lib/kolla/config_files:ro" -v "$WORK/log:/var/log/kolla")
# one_shot VARIABLE: the one-shot container of a deployment; its output in $WORK/out
one_shot() { once "${kolla[@]}" -e "$1=" "localhost/kolla/kerbside-api:$tag" >"$WORK/out" 2>&1; }
refused() { # refused VARIABLE PATTERN: it fails, and says so in a line
  if one_shot "$1"; then echo 'it succeeded'; return 1; fi
  grep -vE '^(\+|INFO|[0-9-]+ [0-9:.]+ INFO)' "$WORK/out" | tail -n 2
  grep -qE -- "$2" "$WORK/out"
}

# --- bootstrap, and what can be wrong with it -------------------------------------------------------------------------

configure kerbside-api ''
claim 'kolla images: bootstrap without a password fails and says what the database said' refused KOLLA_BOOTSTRAP 'refused user or password'
configure kerbside-api wrong-secret
claim 'kolla images: bootstrap with a wrong password fails likewise' refused KOLLA_BOOTSTRAP 'refused user or password'
secret_hidden() { ! grep -q 'wrong-secret' "$WORK/out"; }
claim 'kolla images: ... and its output does not hold the password' secret_hidden
real_port=$database_port
database_port=$(free_port)
configure kerbside-api database-secret
claim 'kolla images: bootstrap without a database server fails and names the fault' refused KOLLA_BOOTSTRAP 'connection refused'
database_port=$real_port
configure kerbside-api database-secret
rm "$WORK/config/kerbside.conf"
claim 'kolla images: bootstrap without kerbside.conf fails in kolla_set_configs' refused KOLLA_BOOTSTRAP 'MissingRequiredSource|kerbside.conf'
configure kerbside-api database-secret
claim 'kolla images: a service before the bootstrap refuses to start and names the command' refused NOTHING 'kerbside-manage db sync'

lock_held() { sql --skip-column-names -e "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'" | grep .; }
tables() { sql --skip-column-names -e "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema='kerbside'"; }
# Killed with ever more tables made: a session of the database waits for that many and then lets nobody write.
killed_at=()
for count in 0 1 3 5 7 9; do
  sql -e 'DROP DATABASE kerbside; CREATE DATABASE kerbside CHARACTER SET utf8mb4'
  sql --delimiter=// -e "BEGIN NOT ATOMIC DECLARE made INT DEFAULT 0; DECLARE looks INT DEFAULT 0;
      WHILE made < $count AND looks < 1000000 DO SELECT COUNT(*), looks + 1 INTO made, looks FROM information_schema.tables
      WHERE table_schema = 'kerbside'; END WHILE; END// FLUSH TABLES WITH READ LOCK// SELECT SLEEP(60)//" >/dev/null 2>&1 &
  holder=$!
  start kerbside-bootstrap "${kolla[@]}" -e KOLLA_BOOTSTRAP= "localhost/kolla/kerbside-api:$tag"
  until_true 20 lock_held && sleep 2
  pod kill --signal KILL kerbside-bootstrap >/dev/null 2>&1 && killed_at+=("$(tables)")
  kill "$holder" && wait "$holder" 2>/dev/null
  sql -e "KILL $(lock_held)" 2>/dev/null
  if ! one_shot KOLLA_BOOTSTRAP; then
    failed 'kolla images: a bootstrap that was killed can be run again' "killed with $(tables) tables: $(tail -n 1 "$WORK/out")"
    break
  fi
done
echo "killed with tables: ${killed_at[*]}; a whole schema has $(tables)"
claim 'kolla images: a bootstrap that was killed can be run again, whenever that was' [ "${#killed_at[@]}" -ge 5 ]
claim 'kolla images: bootstrap again changes nothing and succeeds' one_shot KOLLA_BOOTSTRAP
claim 'kolla images: KOLLA_UPGRADE succeeds' one_shot KOLLA_UPGRADE
upgrade_check() { one_shot KOLLA_UPGRADE_CHECK || { grep -B 1 -A 3 -E 'Result: (Warning|Failure)' "$WORK/out"; return 1; }; }
claim 'kolla images: KOLLA_UPGRADE_CHECK says that all is well' upgrade_check
claim 'kolla images: KOLLA_OSM has nothing to do and says so by its status' one_shot KOLLA_OSM

# --- services ---------------------------------------------------------------------------------------------------------

serve() { start "test-$1" "${kolla[@]}" "${@:2}" "localhost/kolla/$1:$tag"; }
running() { [ "$(pod inspect --format '{{.State.Running}}' "test-$1")" = true ]; }
log_says() { grep -q -- "$2" "$WORK/log/kerbside/$1.log"; }
healthy() { curl -fsS --max-time 5 "http://127.0.0.1:$api/healthcheck"; }
stops() { running "$1" && pod stop --time 50 "test-$1" && [ "$(pod inspect --format '{{.State.ExitCode}}' "test-$1")" = 0 ]; }

begin=$(date +%s%N)
serve kerbside-api
claim 'kolla images: kerbside-api, started by kolla_start, is healthy within 30 s' until_true 30 healthy
echo "kerbside-api: healthy after $((($(date +%s%N) - begin) / 1000000)) ms"
echo "GET /healthcheck: $(healthy | tr -d '\n ')"
claim 'kolla images: the health check of kerbside-api says so' pod exec test-kerbside-api kerbside-status health kerbside-api
claim 'kolla images: it runs as kerbside and holds no file open that root wrote' grep -q kerbside <(pod top test-kerbside-api user)
claim 'kolla images: the log is for the group kolla to read' test 2755 = "$(stat -c %a "$WORK/log/kerbside")"
claim 'kolla images: kerbside-api stops with status 0' stops kerbside-api

configure kerbside-proxy database-secret
serve kerbside-proxy
claim 'kolla images: kerbside-proxy is ready within 30 s' until_true 30 log_says kerbside-proxy 'kerbside-proxy is ready'
claim 'kolla images: its TLS port speaks TLS' grep -q 'CN = proxy' <(openssl s_client -connect "127.0.0.1:$secure" </dev/null 2>&1)
claim 'kolla images: the health check of kerbside-proxy says so' pod exec test-kerbside-proxy kerbside-status health kerbside-proxy
claim "kolla images: Kolla's healthcheck_listen finds its port" pod exec test-kerbside-proxy healthcheck_listen worker "$secure"
claim 'kolla images: kerbside-proxy drains and stops with status 0' stops kerbside-proxy
configure kerbside-conductor database-secret
serve kerbside-conductor
claim 'kolla images: kerbside-conductor is ready within 30 s' until_true 30 log_says kerbside-conductor 'kerbside-conductor is ready'
claim 'kolla images: kerbside-conductor stops with status 0' stops kerbside-conductor
configure kerbside-html5proxy database-secret
serve kerbside-html5proxy
claim 'kolla images: kerbside-html5proxy is ready within 30 s' until_true 30 log_says kerbside-html5proxy 'kerbside-html5proxy is ready'
claim 'kolla images: it serves the pages of spice-html5' grep -q '<html' <(curl -fsS "http://127.0.0.1:$html5/spice_auto.html")
claim 'kolla images: kerbside-html5proxy stops with status 0' stops kerbside-html5proxy

seed='' configure kerbside-api database-secret
once "${kolla[@]}" "localhost/kolla/kerbside-api:$tag" >"$WORK/out" 2>&1
claim 'kolla images: a service without its seed ends with a clear line' grep -q 'auth_secret_seed: .* set it' "$WORK/out"
# A configuration of an earlier release: options that are gone or misspelt are warned of, by name, and the service starts.
configure kerbside-api database-secret '[console]' 'token_duration = 1' '[api]' 'prot = 1'
serve kerbside-api -e KERBSIDE_CONSOLE_TOKEN_DURATION=5 -e KERBSIDE_TRAFFIC_OUTPUT_PATH=/tmp
claim 'kolla images: with an old configuration the service starts' until_true 30 healthy
claim 'kolla images: ... and names each unknown option' log_says kerbside-api 'token_duration'
claim 'kolla images: ... and each old name' log_says kerbside-api 'KERBSIDE_CONSOLE_TOKEN_DURATION'
finish
