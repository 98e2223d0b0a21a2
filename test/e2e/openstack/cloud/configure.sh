#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Step 2: configuration files, in the chroot.  Rewrites them on every run from
# settings.sh; Debian's originals are kept as *.debian.  Run by up.sh.
set -eu
. "$(dirname "$0")/lib.sh"
R=$CLOUD_ROOT
PW=$CLOUD_PASSWORD

keep() { if [ -e "$1" ] && [ ! -e "$1.debian" ]; then cp -p "$1" "$1.debian"; fi; }
own()  { in_root chown "$1" "${2#"$R"}"; chmod 640 "$2"; }      # own USER:GROUP FILE

mkdir -p "$LOG_DIR"

# --- QEMU acceleration ---
# Trust /dev/kvm only after a guest really ran: this boot sector tells
# isa-debug-exit to end QEMU, with status 3.
# Two hosts on one machine: emulation, which migrates whatever the machine is.
if [ "$VIRT_TYPE" = auto ] && [ "$SECOND_COMPUTE" = yes ]; then VIRT_TYPE=qemu; fi
if [ "$VIRT_TYPE" = auto ]; then
    VIRT_TYPE=qemu
    if [ -c /dev/kvm ]; then
        { printf '\xba\x01\x05\xb0\x01\xee'; head -c 504 /dev/zero; printf '\x55\xaa'; } >"$R/tmp/kvm-probe.img"
        rc=0
        in_root timeout 4 qemu-system-x86_64 -accel kvm -nodefaults -display none -device isa-debug-exit \
            -drive file=/tmp/kvm-probe.img,format=raw,if=floppy,readonly=on >/dev/null 2>&1 </dev/null || rc=$?
        if [ "$rc" = 3 ]; then VIRT_TYPE=kvm; fi
        rm -f "$R/tmp/kvm-probe.img"
    fi
fi
# QEMU runs as libvirt-qemu:kvm; /dev/kvm has the outer machine's group number.
if [ -c /dev/kvm ]; then
    gid=$(stat -c %g /dev/kvm)
    if ! in_root getent group "$gid" >/dev/null; then in_root groupadd -g "$gid" outer-kvm; fi
    in_root usermod -aG "$(in_root getent group "$gid" | cut -d: -f1)" libvirt-qemu
fi

# --- name of this machine ---
hn=$(hostname)
grep -q "[[:space:]]$hn\$" "$R/etc/hosts" 2>/dev/null || printf '127.0.0.1\tlocalhost\n127.0.0.1\t%s\n' "$hn" >"$R/etc/hosts"

# --- MariaDB ---
cat >"$R/etc/mysql/mariadb.conf.d/99-lab.cnf" <<EOF
[mariadbd]
bind-address = 127.0.0.1
port = $DB_PORT
skip-name-resolve
max_connections = 400
# a test cloud: speed over surviving a power cut
innodb_flush_log_at_trx_commit = 0
innodb_doublewrite = 0
innodb_buffer_pool_size = 256M
EOF

# --- RabbitMQ ---
# default_user is created when the node starts for the first time
cat >"$R/etc/rabbitmq/rabbitmq.conf" <<EOF
listeners.tcp.1 = 127.0.0.1:$MQ_PORT
default_user = openstack
default_pass = $PW
loopback_users = none
log.console = true
log.console.level = warning
EOF
cat >"$R/etc/rabbitmq/rabbitmq-env.conf" <<EOF
NODENAME=lab@localhost
NODE_IP_ADDRESS=127.0.0.1
NODE_PORT=$MQ_PORT
DIST_PORT=$MQ_DIST_PORT
export ERL_EPMD_PORT=$MQ_EPMD_PORT
export ERL_EPMD_ADDRESS=127.0.0.1
SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}"
EOF

# --- parts every OpenStack service has in common ---
RABBIT=rabbit://openstack:$PW@127.0.0.1:$MQ_PORT/
db() { echo "mysql+pymysql://$1:$PW@127.0.0.1:$DB_PORT/$2?charset=utf8"; }
auth() {                                # auth USER: how to log in to Keystone
    cat <<EOF
auth_type = password
auth_url = http://127.0.0.1:$KEYSTONE_PORT/v3
username = $1
password = $PW
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = $CLOUD_REGION
EOF
}
authtoken() { auth "$1"; cat <<EOF
www_authenticate_uri = http://127.0.0.1:$KEYSTONE_PORT/v3
memcached_servers = 127.0.0.1:$MEMCACHED_PORT
service_token_roles_required = true
EOF
}

# --- Keystone ---
keep "$R/etc/keystone/keystone.conf"
cat >"$R/etc/keystone/keystone.conf" <<EOF
[DEFAULT]
use_stderr = true
[database]
connection = $(db keystone keystone)
[token]
provider = fernet
expiration = 86400
[cache]
enabled = true
backend = dogpile.cache.memcached
memcache_servers = 127.0.0.1:$MEMCACHED_PORT
EOF
own root:keystone "$R/etc/keystone/keystone.conf"

# --- Placement ---
keep "$R/etc/placement/placement.conf"
cat >"$R/etc/placement/placement.conf" <<EOF
[DEFAULT]
use_stderr = true
[api]
auth_strategy = keystone
[placement_database]
connection = $(db placement placement)
[keystone_authtoken]
$(authtoken placement)
EOF
own root:placement "$R/etc/placement/placement.conf"

# --- Glance: images are files under /var/lib/glance/images ---
keep "$R/etc/glance/glance-api.conf"
cat >"$R/etc/glance/glance-api.conf" <<EOF
[DEFAULT]
use_stderr = true
bind_host = 127.0.0.1
bind_port = $GLANCE_PORT
workers = 1
enabled_backends = files:file
[database]
connection = $(db glance glance)
[glance_store]
default_backend = files
[files]
filesystem_store_datadir = /var/lib/glance/images
[keystone_authtoken]
$(authtoken glance)
[paste_deploy]
flavor = keystone
[oslo_concurrency]
lock_path = /var/lib/glance/lock
EOF
own root:glance "$R/etc/glance/glance-api.conf"

# --- Nova (all its services read this one file) ---
# Live migration: the source's libvirtd talks to the destination's through its
# Unix socket (found by address below $HOSTS), QEMU to QEMU over TCP.
HOSTS=/var/lib/lab/hosts
migration() {                           # migration ADDRESS: of the host itself
    if [ "$SECOND_COMPUTE" != yes ]; then return 0; fi
    cat <<EOF

live_migration_uri = qemu+unix:///system?socket=$HOSTS/%s/libvirt-sock
live_migration_inbound_addr = $1
live_migration_bandwidth = $MIGRATION_BANDWIDTH
EOF
}
keep "$R/etc/nova/nova.conf"
cat >"$R/etc/nova/nova.conf" <<EOF
[DEFAULT]
use_stderr = true
host = $CLOUD_HOSTNAME
my_ip = $LISTEN_ADDRESS
state_path = /var/lib/nova
transport_url = $RABBIT
enabled_apis = osapi_compute
osapi_compute_workers = 1
compute_driver = libvirt.LibvirtDriver
# guests that were up before down.sh come back with up.sh
resume_guests_state_on_host_boot = true
# Neutron is a stub: nothing to refresh, nothing to wait for
heal_instance_info_cache_interval = -1
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
# the boot sector does not listen to the power button
shutdown_timeout = 2
allow_resize_to_same_host = true
reserved_host_memory_mb = 256
ram_allocation_ratio = 16.0
cpu_allocation_ratio = 64.0
# notice guests that were stopped behind nova's back within this time
sync_power_state_interval = 30

[spice]
enabled = true
agent_enabled = true
html5proxy_base_url = $SPICE_HTML5_URL
spice_direct_proxy_base_url = $SPICE_DIRECT_URL
server_listen = $LISTEN_ADDRESS
server_proxyclient_address = $LISTEN_ADDRESS
require_secure = $REQUIRE_SECURE

[vnc]
enabled = false

[consoleauth]
token_ttl = 600

[notifications]
notification_format = both
notify_on_state_change = vm_and_task_state

[oslo_messaging_notifications]
driver = messagingv2
# default topics: "notifications" (old format); nova adds "versioned_notifications"

[api_database]
connection = $(db nova nova_api)
[database]
connection = $(db nova nova)

[keystone_authtoken]
$(authtoken nova)
[service_user]
send_service_user_token = true
$(auth nova)
[placement]
$(auth placement)
[glance]
$(auth nova)
[neutron]
$(auth nova)

[libvirt]
virt_type = $VIRT_TYPE
cpu_mode = none
inject_partition = -2$(migration "$HOST_ADDRESS")

[conductor]
workers = 1
[scheduler]
workers = 1
[oslo_concurrency]
lock_path = /var/lib/nova/lock
EOF
own root:nova "$R/etc/nova/nova.conf"
# nova-compute must not know the databases: the same file without them
keep "$R/etc/nova/nova-compute.conf"
sed '/^\[api_database\]/,/^connection/d; /^\[database\]/,/^connection/d' "$R/etc/nova/nova.conf" >"$R/etc/nova/nova-compute.conf"
own root:nova "$R/etc/nova/nova-compute.conf"
# the second nova-compute reads that one and then this
rm -f "$R/etc/nova/second.conf"
if [ "$SECOND_COMPUTE" = yes ]; then
    cat >"$R/etc/nova/second.conf" <<EOF
[DEFAULT]
host = $SECOND_HOSTNAME
my_ip = $SECOND_ADDRESS
state_path = /var/lib/nova-second
# the first host's: shared storage
instances_path = /var/lib/nova/instances
[spice]
server_listen = $SECOND_ADDRESS
server_proxyclient_address = $SECOND_ADDRESS
[libvirt]$(migration "$SECOND_ADDRESS")
[oslo_concurrency]
lock_path = /var/lib/nova-second/lock
EOF
    own root:nova "$R/etc/nova/second.conf"
    mkdir -p "$R/var/lib/nova-second/lock"
    in_root chown -R nova: /var/lib/nova-second
fi

# --- libvirt and QEMU ---
keep "$R/etc/libvirt/libvirtd.conf"
cat >"$R/etc/libvirt/libvirtd.conf" <<EOF
unix_sock_group = "libvirt"
unix_sock_rw_perms = "0770"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "3:stderr"
EOF
keep "$R/etc/libvirt/qemu.conf"
cat >"$R/etc/libvirt/qemu.conf" <<EOF
security_driver = "none"
namespaces = []
stdio_handler = "file"
remote_display_port_min = $SPICE_PORT_MIN
remote_display_port_max = $SPICE_PORT_MAX
spice_tls = $([ "$SPICE_TLS" = yes ] && echo 1 || echo 0)
spice_tls_x509_cert_dir = "/etc/pki/libvirt-spice"
EOF
if [ "$SECOND_COMPUTE" = yes ]; then echo 'shared_filesystems = [ "/var/lib/nova/instances" ]' >>"$R/etc/libvirt/qemu.conf"; fi
# libvirt's own NAT network would change the machine's network: not wanted
rm -f "$R/etc/libvirt/qemu/networks/autostart/default.xml"

# --- certificates of the SPICE servers ---
P=$R/etc/pki/libvirt-spice
mkdir -p "$P"
if [ ! -s "$P/ca-cert.pem" ]; then
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=lab SPICE CA" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
        -keyout "$P/ca-key.pem" -out "$P/ca-cert.pem" 2>/dev/null
fi
certificate() {                         # certificate FOLDER HOSTNAME ADDRESS...
    local to=$1 name=$2 address names; shift 2
    for address in "$@"; do
        if ! openssl x509 -in "$to/server-cert.pem" -noout -checkip "$address" 2>/dev/null | grep -q 'does match'; then
            rm -f "$to/server-cert.pem"
        fi
    done
    if [ ! -s "$to/server-cert.pem" ]; then
        openssl req -newkey rsa:2048 -nodes -subj "/O=lab/CN=$name" \
            -keyout "$to/server-key.pem" -out "$to/server.csr" 2>/dev/null
        names=$(printf ',IP:%s' "$@")
        printf 'subjectAltName=DNS:%s,DNS:localhost%s\nbasicConstraints=CA:FALSE\n' "$name" "$names" >"$to/ext"
        openssl x509 -req -in "$to/server.csr" -CA "$P/ca-cert.pem" -CAkey "$P/ca-key.pem" -CAcreateserial \
            -days 3650 -extfile "$to/ext" -out "$to/server-cert.pem" 2>/dev/null
        rm -f "$to/server.csr" "$to/ext"
    fi
    if [ "$to" != "$P" ]; then cp "$P/ca-cert.pem" "$to/"; fi
    in_root chown -R root:kvm "${to#"$R"}"
    chmod 755 "$to"; chmod 640 "$to"/*-key.pem; chmod 644 "$to"/*-cert.pem
}
chmod 755 "$R/etc/pki"
if [ "$SECOND_COMPUTE" = yes ]; then
    certificate "$P" "$CLOUD_HOSTNAME" 127.0.0.1 "$HOST_ADDRESS"
else
    certificate "$P" "$CLOUD_HOSTNAME" 127.0.0.1
fi

# --- the second compute host's own files (second-host.sh puts them in place) ---
if [ "$SECOND_COMPUTE" = yes ]; then
    S=$R/var/lib/lab/second
    for d in run/libvirt etc/libvirt etc/pki/libvirt-spice var/lib/libvirt var/log/libvirt var/cache/libvirt; do mkdir -p "$S/$d"; done
    mkdir -p "$R/var/lib/lab/first-libvirt" "$R$HOSTS"
    ln -sfn ../first-libvirt      "$R$HOSTS/$HOST_ADDRESS"
    ln -sfn ../second/run/libvirt "$R$HOSTS/$SECOND_ADDRESS"
    printf '127.0.0.1\tlocalhost\n%s\t%s\n%s\t%s\n' "$SECOND_ADDRESS" "$SECOND_HOSTNAME" "$HOST_ADDRESS" "$CLOUD_HOSTNAME" >"$S/etc/hosts"
    cp -a "$R"/etc/libvirt/{libvirt,libvirtd,qemu,network}.conf "$S/etc/libvirt/"
    mkdir -p "$S/etc/libvirt/qemu"
    # libvirt refuses to migrate between hosts of the same identity
    [ -s "$S/host_uuid" ] || cat /proc/sys/kernel/random/uuid >"$S/host_uuid"
    echo "host_uuid = \"$(cat "$S/host_uuid")\"" >>"$S/etc/libvirt/libvirtd.conf"
    certificate "$S/etc/pki/libvirt-spice" "$SECOND_HOSTNAME" "$SECOND_ADDRESS"
fi

install -m 755 "$CLOUD_HOME/neutron_stub.py" "$CLOUD_HOME/forward.py" "$CLOUD_HOME/register.py" "$CLOUD_HOME/notifications.py" "$CLOUD_HOME/exercise.py" \
    "$CLOUD_HOME/capture_migration.py" "$R/usr/local/bin/"

say "configured: virt_type=$VIRT_TYPE spice_tls=$SPICE_TLS require_secure=$REQUIRE_SECURE$([ "$SECOND_COMPUTE" != yes ] || echo " hosts=$CLOUD_HOSTNAME,$SECOND_HOSTNAME")"
