#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The role with the real Kolla-Ansible, in a Debian trixie root (its Ansible is the one that Kolla-Ansible wants) and a network
# of its own: prechecks, certificates, configuration, HAProxy, what other roles take up, containers with podman, bootstrap,
# upgrade, stop.
#   KOLLA_ANSIBLE_DIR  a checkout: git clone https://opendev.org/openstack/kolla-ansible (tried with 1a681814e of August 2026)
#   DEPLOY_CACHE       where the root stays for the next run; default /var/tmp/kerbside-deploy
#   KERBSIDE_TAG       tag of the images localhost/kolla/kerbside-* in the store of that folder; default kerbside-1.0
# shellcheck disable=SC2016,SC2154  # store, WORK: of the files that are sourced
self=$(realpath -- "$0")
if [ -z "${KERBSIDE_NETWORK:-}" ]; then
  . "$(dirname -- "${BASH_SOURCE[0]}")/../claims.sh"
  if [ ! -e "${KOLLA_ANSIBLE_DIR:-}/ansible/site.yml" ]; then
    failed 'Kolla-Ansible: the role' \
      'give a checkout with --kolla-ansible DIR (git clone https://opendev.org/openstack/kolla-ansible)'
    finish
    exit
  fi
  if [ "$(id -u)" != 0 ]; then
    failed 'Kolla-Ansible: the role' 'it needs root, for a root folder and namespaces'
    finish
    exit
  fi
  cache=${DEPLOY_CACHE:-/var/tmp/kerbside-deploy}
  packages=(ansible dbus git haproxy iproute2 openssl python3-bcrypt python3-cryptography python3-dbus python3-gi python3-hvac
    python3-jmespath python3-netaddr python3-oslo.config python3-oslo.utils python3-passlib python3-podman python3-pymysql
    python3-requests python3-yaml)
  # Images for the last part; the check of Kolla's images builds them, where it has a checkout of Kolla.
  if [ -n "${KOLLA_DIR:-}" ] && ! podman --root "$cache/store" --runroot "$cache/run" image exists localhost/kolla/kerbside-api:kerbside-1.0; then
    ./test/deploy/long/kolla-images.sh >"$WORK/images.log" 2>&1 || tail -n 5 "$WORK/images.log"
  fi
  prepare_root() {
    local root=$cache/ansible-root
    mkdir -p "$cache"
    [ -e "$root/etc/debian_version" ] ||
      debootstrap --variant=minbase trixie "$root" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} || return
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    # A namespace of its own: its mounts end with it.
    unshare --mount --propagation private bash -c 'mount -t proc proc "$1/proc" && exec chroot "$@"' - "$root" \
      env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${packages[@]}"
  }
  claim 'Kolla-Ansible: a root with its Ansible' prepare_root || exit 1
  rm -rf -- "$WORK"
  KERBSIDE_NETWORK=own DEPLOY_CACHE=$cache exec unshare --mount --net --propagation private "$self" "$@"
fi

. "$(dirname -- "${BASH_SOURCE[0]}")/../claims.sh"
. test/deploy/containers.sh
root=$DEPLOY_CACHE/ansible-root
nodes=$DEPLOY_CACHE/ansible-nodes
here=test/deploy/kolla-ansible

# The network: one interface with the virtual address and the host's own, as on a controller.
ip link set lo up
ip link add vip0 type veth peer name vip1
ip link set vip1 up
ip addr add 192.0.2.11/24 dev vip0
ip addr add 192.0.2.1/32 dev vip0
ip link set vip0 up || {
  failed 'Kolla-Ansible: a network of its own' 'the kernel makes no pair of interfaces (veth)'
  exit 1
}
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mkdir -p "$root/dev/shm" "$root/run/podman" "$root/run/dbus" "$root$nodes"
mount -t tmpfs shm "$root/dev/shm"
rm -rf -- "$nodes"
mkdir -p "$nodes"
# podman, outside, and Ansible, inside, mean the same folder by the same name.
mount --bind "$nodes" "$root$nodes"
grep -q "$(hostname)" "$root/etc/hosts" || printf '127.0.0.1 localhost %s\n' "$(hostname)" >>"$root/etc/hosts"

pids=()
end_all() {
  local pid name
  for name in kerbside_api kerbside_proxy kerbside_conductor kerbside_html5proxy bootstrap_kerbside kerbside_upgrade_check; do
    pod rm --force --time 0 "$name" >/dev/null 2>&1
  done
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
  clean_up
}
trap end_all EXIT

# The site: Kolla-Ansible as it was checked out, Kerbside as an operator installs it.
site=$root/opt/kolla-ansible
rm -rf -- "$site" "$root/etc/kolla" "$root/opt/kerbside" "$root"/etc/systemd/system/kolla-*
mkdir -p "$site" "$root/etc/kolla/config" "$root/opt/kerbside"
git -C "$KOLLA_ANSIBLE_DIR" archive HEAD | tar -x -C "$site"
cp "$site/etc/kolla/passwords.yml" "$root/etc/kolla/"
cp -r kolla/ansible/. "$root/opt/kerbside/"
cp "$here/balancer.yml" "$site/ansible/"
{
  cat "$here/globals.yml"
  printf 'node_config_directory: %s\n' "$nodes"
} >"$root/etc/kolla/globals.yml"

in_root() {
  chroot "$root" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PYTHONPATH=/opt/kolla-ansible \
    PBR_VERSION=22.0.0 LC_ALL=C.UTF-8 ANSIBLE_NOCOWS=1 ANSIBLE_FORCE_COLOR=0 ANSIBLE_LOCALHOST_WARNING=0 "$@"
}
play() { # play <action> <playbook> [option...]
  local action=$1 playbook=$2
  shift 2
  in_root ansible-playbook -i /opt/kolla-ansible/ansible/inventory/all-in-one -i /opt/kerbside/inventory/kerbside \
    -e @/etc/kolla/globals.yml -e @/etc/kolla/passwords.yml -e CONFIG_DIR=/etc/kolla -e "kolla_action=$action" "$@" \
    "/opt/kolla-ansible/ansible/$playbook.yml" >"$WORK/play.out" 2>&1
  local status=$?
  grep -E '^(fatal|failed|\[ERROR\])' "$WORK/play.out" | cut -c 1-700
  grep -E '^localhost +:' "$WORK/play.out"
  return "$status"
}
kerbside() { local action=$1; shift; play "$action" kerbside "$@"; }
timed() {
  local begin=$SECONDS status=0
  "$@" || status=$?
  printf '%s: %s s\n' "$*" "$((SECONDS - begin))" >>"$WORK/times"
  return "$status"
}
unchanged() { "$@" && grep -qE '^localhost +:.* changed=0 ' "$WORK/play.out"; }
# says <words> <command>...: the command fails, and says so in these words
says() {
  local words=$1
  shift
  if "$@"; then
    echo 'it did not fail'
    return 1
  fi
  tr -s ' \n' ' ' <"$WORK/play.out" | grep -qF -- "$words" || { tail -n 30 "$WORK/play.out"; return 1; }
}

install_role() { in_root /opt/kerbside/install.sh --kolla-ansible /opt/kolla-ansible --passwords /etc/kolla/passwords.yml; }
claim 'Kolla-Ansible: install.sh puts the role into a checkout' install_role
precheck() { kerbside precheck "$@"; }
claim 'precheck: names the passwords that are missing, and kolla-genpwd' says \
  'These passwords are missing or empty: kerbside_database_password, kerbside_keystone_password, kerbside_auth_secret_seed, kerbside_encryption_key' \
  precheck -e kerbside_database_password= -e kerbside_keystone_password= -e kerbside_auth_secret_seed= -e kerbside_encryption_key=
claim "kolla-genpwd: fills in Kerbside's passwords" \
  in_root python3 /opt/kolla-ansible/kolla_ansible/cmd/genpwd.py -p /etc/kolla/passwords.yml
# Kolla's own prechecks look at the container engine, which the site gets below; Kerbside's come before that.
claim 'precheck: says how to get a certificate' says 'have them made by "kolla-ansible certificates' precheck
claim 'certificates: a CA and a certificate for the SPICE port' kerbside certificates
claim 'certificates: stay as they are in a second run' unchanged kerbside certificates
verifies() { openssl verify -CAfile "$root/etc/kolla/config/kerbside/cacert.pem" "$root/etc/kolla/config/kerbside/servercert.pem"; }
claim 'certificates: clients can verify them' verifies
serial() { openssl x509 -noout -serial -in "$root/etc/kolla/config/kerbside/$1.pem"; }
renewed() {
  local server ca
  server=$(serial servercert) ca=$(serial cacert)
  kerbside certificates -e kerbside_certificate_expiry_warning_days=600 && [ "$(serial servercert)" != "$server" ] && [ "$(serial cacert)" = "$ca" ] && verifies
}
claim 'certificates: one that ends soon is made anew, by the same CA' renewed

# The container engine, and systemd as far as Kolla-Ansible asks for it.
cat >"$WORK/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=$(ulimit -Hn):$(ulimit -Hn)", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
# The processes themselves, not shells that wait for them: their pids are kept.
(trap - EXIT; exec env CONTAINERS_CONF="$WORK/containers.conf" podman "${store[@]}" --runtime "$(command -v runc)" \
  system service --time 0 "unix://$root/run/podman/podman.sock") >"$WORK/podman.log" 2>&1 &
pids+=($!)
rm -f "$root/run/dbus/system_bus_socket" "$root/run/dbus/pid"
cp "$here/bus.conf" "$here/fake_systemd.py" "$root/opt/"
(trap - EXIT; exec chroot "$root" dbus-daemon --nofork --config-file /opt/bus.conf) >"$WORK/bus.log" 2>&1 &
pids+=($!)
until_true 20 test -S "$root/run/dbus/system_bus_socket"
(trap - EXIT; exec chroot "$root" env LC_ALL=C.UTF-8 python3 -u /opt/fake_systemd.py) >"$WORK/systemd.log" 2>&1 &
pids+=($!)
engine_answers() { until_true 60 curl -fsS --unix-socket "$root/run/podman/podman.sock" http://podman/_ping || { cat "$WORK/podman.log" && return 1; }; }
claim 'the container engine answers' engine_answers || exit 1
systemd_answers() { until_true 30 grep -q ready "$WORK/systemd.log" || { cat "$WORK/bus.log" "$WORK/systemd.log" && return 1; }; }
claim 'the stand-in for systemd answers' systemd_answers || exit 1

claim 'precheck: passes on a site that is well' precheck
no_group() { in_root ansible-playbook -i /opt/kolla-ansible/ansible/inventory/all-in-one -e @/etc/kolla/globals.yml \
  -e @/etc/kolla/passwords.yml -e CONFIG_DIR=/etc/kolla -e kolla_action=precheck /opt/kolla-ansible/ansible/kerbside.yml >"$WORK/play.out" 2>&1; }
claim 'precheck: an inventory without its groups is named' says 'The inventory has no group "kerbside-api"' no_group
claim 'precheck: a short seed is named' says 'kerbside_auth_secret_seed has 5 characters; it takes 32 or more' precheck -e kerbside_auth_secret_seed=short
claim 'precheck: Nova without SPICE is named' says 'Set nova_console to "spice" in globals.yml' precheck -e nova_console=novnc
claim 'precheck: two services of one port are named' says 'Two services of Kerbside have the same port' precheck -e kerbside_port=5898
claim 'precheck: a port that guests take is named' says 'must be below' precheck -e kerbside_vdi_secure_port=5900
claim 'precheck: TLS to guests that have none is named' says 'guests have no TLS port' precheck -e kerbside_backend_transport=require_tls
claim 'precheck: a drain longer than systemd allows is named' says 'Raise DefaultTimeoutStopSec' precheck -e kerbside_drain_timeout=600
claim "precheck: nova-spicehtml5proxy's port is named" says 'Set nova_spice_html5 to false' precheck -e nova_spice_html5=true -e enable_kerbside_html5proxy=true
(trap - EXIT; exec /usr/bin/python3 -c 'import socket, time
s = socket.socket(); s.bind(("192.0.2.11", 13002)); s.listen(); time.sleep(600)') &
listener=$!
pids+=("$listener")
claim 'precheck: a port in use is named, with its variable' says 'or set kerbside_listen_port' precheck
kill "$listener"
openssl ecparam -name prime256v1 -genkey -noout -out "$WORK/other.pem"
cp "$WORK/other.pem" "$root/etc/kolla/other.pem"
claim 'precheck: a key that does not fit is named' says 'or not the key of' precheck -e kerbside_serverkey=/etc/kolla/other.pem
mkdir -p "$root/etc/kolla/config/nova"
printf '[spice]\nserver_listen = 0.0.0.0\n' >"$root/etc/kolla/config/nova/nova-compute.conf"
claim "precheck: an operator's file that contradicts is named" says '[spice] server_listen is "0.0.0.0"' precheck
printf '# of the operator\n[spice]\nenabled = True\nagent_enabled = false\n' >"$root/etc/kolla/config/nova/nova-compute.conf"
printf '[spice]\nserver_proxyclient_address = 192.0.2.99\n' >"$root/etc/kolla/config/nova.conf"
claim "precheck: an option of nova-compute's in nova.conf is named" says '[spice] server_proxyclient_address is "192.0.2.99"' precheck
rm "$root/etc/kolla/config/nova.conf"
claim 'precheck: the same names behind one port are named' says 'HAProxy could not tell them apart' precheck \
  -e haproxy_single_external_frontend=true -e enable_haproxy=true
warns() { precheck "$@" && tr -s ' \n' ' ' <"$WORK/play.out" | grep -qF 'is no TLS'; }
claim 'precheck: says where kolla_enable_tls_backend does not reach' warns -e kolla_enable_tls_backend=true

# Configuration.
claim "the load balancer's own configuration" play config balancer
claim 'config: --check passes on a fresh site' timed kerbside config --check
claim 'config: writes the configuration' timed kerbside config
claim 'config: changes nothing in a second run' timed unchanged kerbside config
kept() { grep -q '^agent_enabled = false' "$root/etc/kolla/config/nova/nova-compute.conf" && grep -q '^# of the operator' "$root/etc/kolla/config/nova/nova-compute.conf"; }
claim "config: an operator's lines stay" kept
merged() {
  printf '[spice]\nworkers = 7\n' >"$root/etc/kolla/config/kerbside.conf"
  kerbside config && grep -q '^workers = 7$' "$nodes/kerbside-proxy/kerbside.conf" && grep -q '^secure_port = 5898$' "$nodes/kerbside-proxy/kerbside.conf"
}
claim 'config: overrides of the operator are merged in' merged
rm -f "$root/etc/kolla/config/kerbside.conf"
no_secret() { ! grep -qF "$(sed -n 's/^kerbside_auth_secret_seed: //p' "$root/etc/kolla/passwords.yml")" "$WORK/play.out"; }
claim 'config: no secret in the output' no_secret
haproxy_takes() {
  in_root groupadd --force kolla
  mkdir -p "$root/var/lib/kolla/haproxy" "$root/var/lib/haproxy"
  in_root haproxy -c -V -f "$nodes/haproxy/haproxy.cfg" -f "$nodes/haproxy/services.d"
}
claim 'haproxy: takes the configuration' haproxy_takes
balanced() { grep -q 'server .* 192.0.2.11:5898 send-proxy-v2 check' "$nodes/haproxy/services.d/kerbside-proxy.cfg" && grep -q 'timeout tunnel 24h' "$nodes/haproxy/services.d/kerbside-proxy.cfg"; }
claim 'haproxy: SPICE has the PROXY protocol and a tunnel timeout' balanced

# What other roles make of the files that Kerbside put into the operator's config directory.
# One task of Nova's asks Nova by the toolbox container, which is not here; in this copy it is passed over.
sed -i '/^- name: Ensure compute_id exists/,/^  block:/s/^  when: .*/  when: false/' "$site/ansible/roles/nova-cell/tasks/config.yml"
others() {
  play config site --tags nova-cell,fluentd,cron,prometheus,grafana --skip-tags prometheus-node-exporters
}
claim 'other roles take up what Kerbside has for them' timed others
claim 'nova-compute: SPICE with the URL of Kerbside' grep -qx 'spice_direct_proxy_base_url = http://192.0.2.1:13002/nova' "$nodes/nova-compute/nova.conf"
claim 'nova-compute: SPICE at the address of its host' grep -qx 'server_proxyclient_address = 192.0.2.11' "$nodes/nova-compute/nova.conf"
claim 'nova-compute: SPICE in browsers by Kerbside' grep -qx 'html5proxy_base_url = http://192.0.2.1:6082/spice_auto.html' "$nodes/nova-compute/nova.conf"
claim "nova-compute: the operator's own option" grep -qx 'agent_enabled = false' "$nodes/nova-compute/nova.conf"
notifies() { grep -qx 'notification_format = both' "$nodes/$1/nova.conf" && [ "$(grep -c '^driver = messagingv2' "$nodes/$1/nova.conf")" = 1 ]; }
claim 'nova-compute: notifications' notifies nova-compute
claim 'nova-conductor: notifications' notifies nova-conductor
claim 'fluentd: reads the log' grep -q '/var/log/kolla/kerbside/\*.log' "$nodes/fluentd/fluentd.conf"
claim 'fluentd: retags before Kolla does' awk '/kolla.var.log.kolla.kerbside/ {ours = NR} /<match kolla.var.log.kolla.\*.\*.log>/ {theirs = NR} END {exit !(ours && theirs && ours < theirs)}' "$nodes/fluentd/fluentd.conf"
rotates() { grep -q '"/var/log/kolla/kerbside/\*.log"' "$nodes/cron/logrotate.conf" && grep -q '"/var/log/kolla/nova/\*.log"' "$nodes/cron/logrotate.conf"; }
claim 'cron: rotates the log, and those of others as before' rotates
claim 'prometheus: scrapes' grep -q 'job_name: kerbside_proxy' "$nodes/prometheus-server/prometheus.yml"
claim 'prometheus: has the alerts' test -s "$nodes/prometheus-server/kerbside.rules"
claim 'grafana: has the dashboard' test -s "$nodes/grafana/dashboards/kerbside.json"
. test/deploy/kolla-ansible/deploy.sh
cat "$WORK/times"
finish
