#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bring the test cloud up.  Safe to run again at any time: what is installed,
# configured or running already is left as it is (services are restarted only
# when their configuration changed).
#
#   ./up.sh                          everything, into $CLOUD_ROOT (settings.sh)
#   CLOUD_ROOT=/x ./up.sh            another folder
#   SPICE_TLS=no ./up.sh             guests without a TLS port
#   SECOND_COMPUTE=yes ./up.sh       a second compute host, for live migration
#   REQUIRE_SECURE=true ./up.sh      nova asks for TLS on every SPICE channel
#
# Guests keep the SPICE settings they were last started with: hard-reboot them
# after a change.
set -eu
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || die "run as root"

"$CLOUD_HOME/install.sh"
mount_all
"$CLOUD_HOME/configure.sh"
mkdir -p "$PID_DIR" "$LOG_DIR" "$CLOUD_ROOT/var/lib/lab"

# --- restart what runs with an older configuration ---
conf_sum() { cat "$CLOUD_ROOT"/etc/{nova/nova,keystone/keystone,glance/glance-api,placement/placement,libvirt/qemu,rabbitmq/rabbitmq}.conf \
    "$CLOUD_ROOT"/etc/mysql/mariadb.conf.d/99-lab.cnf "$CLOUD_ROOT"/etc/nova/second.conf 2>/dev/null | md5sum; }
if is_up nova-compute && [ "$(conf_sum)" != "$(cat "$PID_DIR/config.md5" 2>/dev/null)" ]; then
    say "configuration changed: stopping"
    "$CLOUD_HOME/down.sh" --keep-guests
    mount_all
fi
if [ "$SECOND_COMPUTE" != yes ] && is_up second-host; then
    say "stopping the second compute host"
    second_guests_off
    stop second-nova-compute; stop second-libvirtd; stop second-host
fi
conf_sum >"$PID_DIR/config.md5"

# --- infrastructure ---
for d in "mysql run/mysqld" "rabbitmq var/log/rabbitmq" "nova run/nova" "nova var/lib/nova/lock" \
         "glance var/lib/glance/lock" "glance var/lib/glance/images" "keystone run/keystone" "root run/libvirt"; do
    set -- $d
    mkdir -p "$CLOUD_ROOT/$2"; in_root chown "$1:" "/$2"
done
start mariadb   mysql    mariadbd
start epmd      rabbitmq epmd -port "$MQ_EPMD_PORT" -address 127.0.0.1
start memcached memcache memcached -l 127.0.0.1 -p "$MEMCACHED_PORT" -U 0 -m 64
start libvirtd  root     libvirtd
wait_for 30 epmd port_open "$MQ_EPMD_PORT"
start rabbitmq  rabbitmq /usr/lib/rabbitmq/bin/rabbitmq-server
start neutron-stub nobody neutron_stub.py "$NEUTRON_PORT"

# --- the second compute host: its namespaces, the cable to it, its libvirt ---
if [ "$SECOND_COMPUTE" = yes ]; then
    wait_for 30 libvirtd test -S "$CLOUD_ROOT/run/libvirt/libvirt-sock"
    if ! is_up second-host; then
        in_root ip link del lab-veth 2>/dev/null || true
        rm -rf "$CLOUD_ROOT/var/lib/lab/second/run"
        mkdir -p "$CLOUD_ROOT/var/lib/lab/second/run/libvirt"
        exec 9</proc/self/ns/net
        setsid unshare --net --uts --mount --propagation private "$CLOUD_HOME/second-host.sh" \
            >>"$LOG_DIR/second-host.log" 2>&1 </dev/null &
        echo "$! $(start_time $!)" >"$PID_DIR/second-host.pid"
        exec 9<&-
    fi
    wait_for 30 second-host second_port_open "$KEYSTONE_PORT"
    if ! in_root ip link show lab-veth >/dev/null 2>&1; then
        read -r pid _ <"$PID_DIR/second-host.pid"
        in_root ip link add lab-veth type veth peer name lab-veth2
        in_root ip link set lab-veth2 netns "$pid"
        in_root   ip addr add "$HOST_ADDRESS/30"   dev lab-veth;  in_root   ip link set lab-veth up
        in_second ip addr add "$SECOND_ADDRESS/30" dev lab-veth2; in_second ip link set lab-veth2 up
    fi
    start_second second-libvirtd root libvirtd
fi

wait_for 20 neutron-stub port_open "$NEUTRON_PORT"
sql() { in_root mariadb -N -e "$1"; }
wait_for 60 mariadb sql 'select 1'
say "mariadb ready"

# --- databases: once ---
DONE=$CLOUD_ROOT/var/lib/lab
LOG=$LOG_DIR/db-sync.log
if [ ! -e "$DONE/databases" ]; then
    for pair in keystone:keystone placement:placement glance:glance nova:nova_api nova:nova nova:nova_cell0; do
        sql "create database if not exists ${pair#*:} character set utf8mb3;
             grant all on ${pair#*:}.* to '${pair%:*}'@'127.0.0.1' identified by '$CLOUD_PASSWORD'"
    done
    (   as_user keystone keystone-manage db_sync
        as_user keystone keystone-manage fernet_setup   --keystone-user keystone --keystone-group keystone
        as_user keystone keystone-manage credential_setup --keystone-user keystone --keystone-group keystone
        as_user keystone keystone-manage bootstrap --bootstrap-password "$CLOUD_PASSWORD" \
            --bootstrap-region-id "$CLOUD_REGION" \
            --bootstrap-public-url   "http://127.0.0.1:$KEYSTONE_PORT/v3" \
            --bootstrap-internal-url "http://127.0.0.1:$KEYSTONE_PORT/v3" \
            --bootstrap-admin-url    "http://127.0.0.1:$KEYSTONE_PORT/v3"
        as_user placement placement-manage db sync
        as_user glance glance-manage db_sync
    ) >"$LOG" 2>&1 & job=$!
    (   as_user nova nova-manage api_db sync
        as_user nova nova-manage cell_v2 map_cell0 --database_connection \
            "mysql+pymysql://nova:$CLOUD_PASSWORD@127.0.0.1:$DB_PORT/nova_cell0?charset=utf8"
        as_user nova nova-manage db sync
        in_root sh -c 'nova-manage cell_v2 list_cells | grep -q cell1' ||
            as_user nova nova-manage cell_v2 create_cell --name cell1
    ) >"$LOG.nova" 2>&1 || die "see $LOG.nova"
    wait $job || die "see $LOG"
    touch "$DONE/databases"
    say "databases filled"
fi

# --- the services ---
wsgi() {                                    # wsgi NAME USER PORT PROCESSES THREADS FILE
    start "$1" "$2" uwsgi --plugin python3 --http-socket "127.0.0.1:$3" --processes "$4" --threads "$5" \
        --master --die-on-term --enable-threads --lazy-apps --need-app --thunder-lock \
        --buffer-size 65535 --add-header "Connection: close" --chdir "$(home_of "$2")" --wsgi-file "$6"
}
wsgi keystone  keystone  "$KEYSTONE_PORT"  2 4 /usr/bin/keystone-wsgi-public
wsgi placement placement "$PLACEMENT_PORT" 1 4 /usr/bin/placement-api
start glance glance glance-api --config-file /etc/glance/glance-api.conf
wait_for 60 keystone http_ok "http://127.0.0.1:$KEYSTONE_PORT/v3"
say "keystone ready"

register() { in_root env CLOUD_PASSWORD="$CLOUD_PASSWORD" CLOUD_REGION="$CLOUD_REGION" KEYSTONE_PORT="$KEYSTONE_PORT" \
    GLANCE_PORT="$GLANCE_PORT" PLACEMENT_PORT="$PLACEMENT_PORT" NOVA_PORT="$NOVA_PORT" NEUTRON_PORT="$NEUTRON_PORT" \
    register.py "$1"; }
if [ ! -e "$DONE/accounts-2" ]; then register accounts; touch "$DONE/accounts-2"; say "accounts and catalogue registered"; fi

wait_for 60 rabbitmq port_open "$MQ_PORT"
say "rabbitmq ready"
start nova-conductor nova nova-conductor
start nova-scheduler nova nova-scheduler
wsgi  nova-api       nova "$NOVA_PORT" 2 1 /usr/bin/nova-api-wsgi
wait_for 60 placement http_ok "http://127.0.0.1:$PLACEMENT_PORT/"
compute() { start nova-compute nova nova-compute --config-file /etc/nova/nova-compute.conf; }
compute
second_compute() { start_second second-nova-compute nova nova-compute \
    --config-file /etc/nova/nova-compute.conf --config-file /etc/nova/second.conf; }
if [ "$SECOND_COMPUTE" = yes ]; then second_compute; fi
wait_for 60 nova-api http_ok "http://127.0.0.1:$NOVA_PORT/"
wait_for 60 glance   http_ok "http://127.0.0.1:$GLANCE_PORT/"
if [ ! -e "$DONE/resources-2" ]; then register resources; touch "$DONE/resources-2"; say "flavors and image registered"; fi

# --- nova-compute must have reported in and belong to the cell ---
sql_now() { sql "select utc_timestamp()"; }
reported() { sql "select 1 from nova.services where \`binary\`='nova-compute' and deleted=0 and host='$1' and last_seen_up >= '$2'" | grep -q 1; }
ready() {                                   # ready SERVICE HOST MARK COMMAND
    if [ ! -e "$DONE/$3" ]; then
        wait_for 180 "$1" reported "$2" "1970-01-01"
        # The very first nova-compute of a host looks for left-over guests before it
        # sets up libvirt's event loop ("does not support events" in its log) and
        # then never hears of guests stopping by themselves.  Start it once more.
        stop "$1"
        as_user nova nova-manage cell_v2 discover_hosts >>"$LOG" 2>&1 || die "see $LOG"
        touch "$DONE/$3"
        "$4"
    fi
    wait_for 120 "$1" reported "$2" "$(sql_now)"
    say "$1 ready"
}
ready nova-compute "$CLOUD_HOSTNAME" host compute
if [ "$SECOND_COMPUTE" = yes ]; then ready second-nova-compute "$SECOND_HOSTNAME" host-second second_compute; fi
say "up: . $CLOUD_HOME/openrc; $CLOUD_HOME/openstack server list"
