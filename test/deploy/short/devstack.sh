#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The DevStack plugin: style, and that every phase does what it says, with DevStack's functions replaced by ones that write
# down how they were called. The long lane runs it with the real ones.
. "$(dirname -- "${BASH_SOURCE[0]}")/../claims.sh"

files=(devstack/plugin.sh devstack/settings devstack/override-defaults)
claim 'DevStack plugin: shellcheck' shellcheck -s bash "${files[@]}"
# E005: settings and override-defaults are sourced and have no interpreter; E006: lines may be 120 characters long.
claim 'DevStack plugin: bashate' bashate -i E005,E006 "${files[@]}"

# recorded <mode> <phase>: what the plugin calls in a phase, one line each, on the host that "$host" describes
host='ENABLED="key n-api n-cpu" SERVICE_HOST=192.0.2.10 SERVICE_LISTEN_ADDRESS=0.0.0.0'
recorded() {
  # shellcheck disable=SC2016  # expanded by the inner shell
  env -i PATH="$PATH" WORK="$WORK" host="$host" bash -c '
    set -o errexit
    for name in define_plugin install_package iniset inidelete create_service_user get_or_create_service \
        get_or_create_endpoint run_process stop_process recreate_database configure_keystone_authtoken_middleware \
        iniset_rpc_backend wait_for_service echo_summary setup_package sudo npm node openssl die; do
      eval "$name() { echo \"$name \$*\"; }"
    done
    is_service_enabled() {
      local service
      for service in "$@"; do [[ " $ENABLED " == *" $service "* ]] && return 0; done
      return 1
    }
    # As DevStack does it: what local.conf disables stays so.
    enable_service() {
      local service
      for service in "$@"; do [[ " $DISABLED " == *" $service "* ]] || ENABLED="$ENABLED $service"; done
    }
    disable_service() { :; }
    ipv6_unquote() { echo "$1" | tr -d "[]"; }
    trueorfalse() { echo "${!2:-$1}"; }
    vercmp() { return 0; }
    database_connection_url() { echo "mysql+pymysql://root:x@127.0.0.1/$1?charset=utf8"; }
    eval "$host"
    DEST=$WORK/stack DATA_DIR=$WORK/data
    REGION_NAME=RegionOne KEYSTONE_SERVICE_URI=http://192.0.2.10/identity SERVICE_PASSWORD=secret SERVICE_TIMEOUT=60
    SERVICE_PROJECT_NAME=service STACK_USER=stack NOVA_CONF=$WORK/nova.conf NOVA_CPU_CONF=$WORK/nova-cpu.conf
    KERBSIDE_CONF_DIR=$WORK/etc LINENO=1
    mkdir -p "$DEST/kerbside-node/bin" "$WORK/etc/pki" "$DEST/kerbside"
    printf "#!/bin/sh\necho node \"\$@\"\n" >"$DEST/kerbside-node/bin/node"
    chmod +x "$DEST/kerbside-node/bin/node"
    touch "$NOVA_CONF" "$NOVA_CPU_CONF"
    . devstack/override-defaults
    . devstack/settings
    . devstack/plugin.sh "$@"
  ' plugin "$@" >"$WORK/recorded" 2>&1
}

# does <what> <text>...: the record of the phase holds every text
does() {
  local what=$1 text
  shift
  for text in "$@"; do
    grep -qF -- "$text" "$WORK/recorded" && continue
    sed 's/^/    /' "$WORK/recorded"
    failed "DevStack plugin: $what" "nothing like: $text"
    return
  done
  ok "DevStack plugin: $what"
}

url=http://192.0.2.10:13002
recorded stack pre-install
does 'pre-install brings Node' 'install_package nodejs npm'
recorded stack install
does 'install builds what was checked out' 'npm ci' 'npm run build' 'setup_package' 'install_package spice-html5'
recorded stack post-config
does 'post-config writes the configuration' \
  "iniset $WORK/etc/kerbside.conf api port 13002" "iniset $WORK/etc/kerbside.conf spice secure_port 5898" \
  "configure_keystone_authtoken_middleware $WORK/etc/kerbside.conf kerbside keystone_authtoken console" \
  "iniset_rpc_backend kerbside $WORK/etc/kerbside.conf"
does 'post-config leads Nova to Kerbside' \
  "iniset $WORK/nova.conf spice spice_direct_proxy_base_url $url/nova-console.vv" \
  "iniset $WORK/nova-cpu.conf spice html5proxy_base_url http://192.0.2.10:6082/spice_auto.html" \
  "iniset $WORK/nova-cpu.conf notifications notification_format both"
does 'post-config makes database and schema' 'recreate_database kerbside' 'dist/cmd/manage.js --config-file'
does 'post-config registers in Keystone' 'create_service_user kerbside admin' \
  'get_or_create_service kerbside console' "get_or_create_endpoint console RegionOne $url"
if [ "$(stat -c %a "$WORK/etc/sources.yaml" "$WORK/etc/kerbside.conf" | sort -u)" = 600 ]; then
  ok 'DevStack plugin: files with passwords are for their owner alone'
else
  failed 'DevStack plugin: files with passwords are for their owner alone' "$(stat -c '%a %n' "$WORK"/etc/*.*)"
fi
recorded stack extra
does 'extra starts every service' 'run_process kerbside-api' 'run_process kerbside-proxy' \
  'run_process kerbside-conductor' 'run_process kerbside-html5proxy' 'http://192.0.2.10:13002/healthcheck'
recorded unstack
does 'unstack stops every service' 'stop_process kerbside-api' 'stop_process kerbside-proxy' \
  'stop_process kerbside-conductor' 'stop_process kerbside-html5proxy'
recorded clean
does 'clean removes what was made' "sudo rm -rf $WORK/etc" \
  "inidelete $WORK/nova-cpu.conf spice spice_direct_proxy_base_url"

# does_not <what> <text>: the record of the phase has nothing like it
does_not() {
  if grep -qF -- "$2" "$WORK/recorded"; then failed "DevStack plugin: $1" "there is: $2"; else ok "DevStack plugin: $1"; fi
}
# The dashboard, on a host of its own.
services='kerbside-api kerbside-proxy kerbside-conductor kerbside-html5proxy'
mkdir -p "$WORK/stack/horizon/openstack_dashboard/local/enabled" "$WORK/stack/kerbside/clients/horizon-kerbside"
cp -r clients/horizon-kerbside/horizon_kerbside "$WORK/stack/kerbside/clients/horizon-kerbside/"
host="ENABLED='horizon' DISABLED='$services' SERVICE_HOST=192.0.2.10 SERVICE_LISTEN_ADDRESS=0.0.0.0"
enabled_file=$WORK/stack/horizon/openstack_dashboard/local/enabled/_1490_kerbside.py
recorded stack install
does 'Horizon gets its plugin' "setup_package $WORK/stack/kerbside/clients/horizon-kerbside -e"
recorded stack post-config
claim 'DevStack plugin: Horizon loads it' test -s "$enabled_file"
recorded clean
claim 'DevStack plugin: clean takes it out of Horizon' test ! -e "$enabled_file"
host="$host KERBSIDE_INSTALL_HORIZON=False"
recorded stack install
does_not 'no plugin of Horizon where local.conf wants none' 'horizon-kerbside'

services='kerbside-api kerbside-proxy kerbside-conductor kerbside-html5proxy'
host="ENABLED='n-cpu' DISABLED='$services' SERVICE_HOST=192.0.2.10 SERVICE_LISTEN_ADDRESS=0.0.0.0"
recorded stack install
does_not 'a host that only computes builds nothing' 'npm'
recorded stack post-config
does 'a host that only computes leads its Nova to Kerbside' \
  "iniset $WORK/nova-cpu.conf spice spice_direct_proxy_base_url $url/nova-console.vv"
does_not 'a host that only computes has no configuration of Kerbside' "iniset $WORK/etc/kerbside.conf"
recorded clean
does 'a host that only computes takes it out again' "inidelete $WORK/nova-cpu.conf spice spice_direct_proxy_base_url"
host="ENABLED='key' DISABLED='kerbside-api' SERVICE_HOST=192.0.2.10 SERVICE_LISTEN_ADDRESS=0.0.0.0"
recorded stack post-config
does_not 'a host of further proxies leaves the database alone' 'recreate_database'
host="ENABLED='key n-cpu' SERVICE_HOST='[2001:db8::10]' SERVICE_LISTEN_ADDRESS='[::]'"
recorded stack post-config
does 'IPv6: addresses are bare in the configuration, and bracketed in URLs' \
  "iniset $WORK/etc/kerbside.conf api address ::" "iniset $WORK/etc/kerbside.conf spice address ::" \
  "iniset $WORK/etc/kerbside.conf html5proxy address ::" "iniset $WORK/etc/kerbside.conf spice public_fqdn 2001:db8::10" \
  "spice_direct_proxy_base_url http://[2001:db8::10]:13002/nova-console.vv"

finish
