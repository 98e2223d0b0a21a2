#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the phases of the plugin as stack.sh, unstack.sh and clean.sh do, with DevStack's own functions, inside the root of the
# test cloud: its Keystone, MariaDB and RabbitMQ are real. What stack.sh would have done before (other services, Nova's
# files) is set up here. Prints `phase <name> <seconds>` after each, and what it sees between them.
#   phases.sh <devstack directory> <folder for files>
set -o errexit -o pipefail
TOP_DIR=$1
FILES_DIR=$2
export TOP_DIR RC_DIR=$TOP_DIR PATH=$FILES_DIR/bin:$PATH USER=root HOME=/root LC_ALL=C.UTF-8
cd "$TOP_DIR"

cat >local.conf <<LOCAL
[[local|localrc]]
DEST=/opt/stack
DATA_DIR=$FILES_DIR/data
HOST_IP=127.0.0.1
SERVICE_HOST=127.0.0.1
SERVICE_LISTEN_ADDRESS=127.0.0.1
ADMIN_PASSWORD=$CLOUD_PASSWORD
SERVICE_PASSWORD=kerbside-service
DATABASE_PASSWORD=$CLOUD_PASSWORD
RABBIT_PASSWORD=$CLOUD_PASSWORD
RABBIT_USERID=openstack
RABBIT_HOST=127.0.0.1
RECLONE=False
KERBSIDE_API_PORT=$API_PORT
KERBSIDE_SECURE_PORT=$SECURE_PORT
KERBSIDE_INSECURE_PORT=$INSECURE_PORT
KERBSIDE_HTML5_PORT=$HTML5_PORT
KERBSIDE_METRICS_PORT=$METRICS_PORT
KERBSIDE_CONF_DIR=$FILES_DIR/etc
KERBSIDE_INSTALL_CLIENT=False
disable_all_services
enable_service key mysql n-cpu
enable_plugin kerbside file:///opt/stack/kerbside
LOCAL

source "$TOP_DIR/functions"
extract_localrc_section "$TOP_DIR/local.conf" "$TOP_DIR/localrc" "$TOP_DIR/.localrc.auto"
source "$TOP_DIR/stackrc"
STACK_USER=root REGION_NAME=RegionOne SERVICE_PROJECT_NAME=service SERVICE_DOMAIN_NAME=Default SERVICE_TIMEOUT=60
mkdir -p /opt/stack/async /opt/stack/logs
run_phase override_defaults
source "$TOP_DIR/lib/database"
initialize_database_backends
# As configure_database leaves it, without touching the server that is there.
BASE_SQL_CONN=$(get_database_type_mysql)://$DATABASE_USER:$DATABASE_PASSWORD@$DATABASE_HOST
source "$TOP_DIR/lib/rpc_backend"
source "$TOP_DIR/lib/keystone"
# What the cloud has already, and where this Nova's files are: not those of the test cloud.
KEYSTONE_SERVICE_URI=http://127.0.0.1:5000/v3
NOVA_CONF=$FILES_DIR/nova.conf NOVA_CPU_CONF=$FILES_DIR/nova-cpu.conf
: >"$NOVA_CONF"
: >"$NOVA_CPU_CONF"
run_phase source

login=(OS_AUTH_URL=$KEYSTONE_SERVICE_URI OS_USERNAME=admin "OS_PASSWORD=$CLOUD_PASSWORD" OS_PROJECT_NAME=admin
  OS_USER_DOMAIN_NAME=Default OS_PROJECT_DOMAIN_NAME=Default)
mkdir -p /etc/openstack
cat >/etc/openstack/clouds.yaml <<CLOUDS
clouds:
  devstack-admin:
    auth: {auth_url: $KEYSTONE_SERVICE_URI, username: admin, password: $CLOUD_PASSWORD, project_name: admin,
           user_domain_name: Default, project_domain_name: Default}
    region_name: RegionOne
  devstack-system-admin:
    auth: {auth_url: $KEYSTONE_SERVICE_URI, username: admin, password: $CLOUD_PASSWORD, system_scope: all,
           user_domain_name: Default}
    region_name: RegionOne
CLOUDS
for name in ${!OS_*}; do unset "$name"; done

phase() {
  local begin=$SECONDS
  run_phase "$@"
  echo "phase ${*: -1} $((SECONDS - begin))"
}

for name in pre-install install post-config extra test-config; do phase stack "$name"; done
echo "answer $(curl -s "http://127.0.0.1:$API_PORT/healthcheck" | tr -d ' \n')"
for service in api proxy conductor html5proxy; do
  is_service_enabled "kerbside-$service" && echo "service kerbside-$service $(systemctl is-active "devstack@kerbside-$service.service")"
done
echo "endpoints $(env "${login[@]}" openstack endpoint list --service console -f value -c Interface -c URL | sort | tr '\n' ';')"
echo "user $(env "${login[@]}" openstack role assignment list --user kerbside --names -f value -c Role -c Project | sort | tr '\n' ';')"
sed 's/^/nova /' "$NOVA_CPU_CONF"
# A second stack.sh after a half-done first one must find its way.
phase stack post-config
phase stack extra
echo "again $(curl -s "http://127.0.0.1:$API_PORT/healthcheck" | tr -d ' \n')"
phase unstack
echo "after-unstack $(curl -s -m 2 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$API_PORT/healthcheck" || true)"
phase clean
echo "after-clean $(ls -d "$FILES_DIR/etc" "$FILES_DIR/data/kerbside" 2>/dev/null | wc -l)"
