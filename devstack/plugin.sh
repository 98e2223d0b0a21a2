#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# DevStack plugin: native SPICE desktops from the cloud that DevStack makes. DevStack sources it in every phase with its mode
# and phase as arguments; names in capitals come from settings or from DevStack itself.

_XTRACE_KERBSIDE=$(set +o | grep xtrace)
set +o xtrace

KERBSIDE_SERVICES="kerbside-api kerbside-proxy kerbside-conductor kerbside-html5proxy"
KERBSIDE_NODE_LEAST=20.19.0

# Whether any of our services is wanted on this host.
function is_kerbside_enabled {
    local service
    for service in $KERBSIDE_SERVICES; do
        is_service_enabled "$service" && return 0
    done
    return 1
}

# The path of a Node that is new enough; empty when there is none yet.
function kerbside_node {
    local node
    for node in "$KERBSIDE_NODE_DIR/bin/node" /usr/bin/node /usr/local/bin/node; do
        [[ -x $node ]] || continue
        if vercmp "$("$node" -p process.versions.node)" ">=" "$KERBSIDE_NODE_LEAST"; then
            echo "$node"
            return 0
        fi
    done
}

# DevStack's distributions carry Node from 18 on; npm's package `node` brings a newer one where that is too old.
function install_kerbside_node {
    install_package nodejs npm
    [[ -z $(kerbside_node) ]] || return 0
    sudo install -d -o "$STACK_USER" "$KERBSIDE_NODE_DIR"
    npm install --prefix "$KERBSIDE_NODE_DIR" --no-save --no-audit --no-fund node@24
    mkdir -p "$KERBSIDE_NODE_DIR/bin"
    ln -sf "$(find "$KERBSIDE_NODE_DIR/node_modules" -path '*/bin/node' -type f | head -n 1)" "$KERBSIDE_NODE_DIR/bin/node"
    [[ -n $(kerbside_node) ]] || die $LINENO "there is no Node $KERBSIDE_NODE_LEAST or newer, and npm could not bring one"
}

function install_kerbside {
    local node
    node=$(kerbside_node)
    # A compiler for the one native dependency, SQLite.
    install_package g++ make python3 openssl
    if is_service_enabled kerbside-html5proxy; then
        install_package spice-html5
    fi
    (
        cd "$KERBSIDE_DIR" || exit 1
        PATH=$(dirname "$node"):$PATH
        npm ci --no-audit --no-fund
        npm run build
    )
    if [[ $KERBSIDE_INSTALL_CLIENT == True ]]; then
        setup_package "$KERBSIDE_DIR/clients/python-kerbsideclient" -e
    fi
}

# Whether the dashboard of this host gets the plugin.
function is_kerbside_horizon_enabled {
    [[ $KERBSIDE_INSTALL_HORIZON == True ]] && is_service_enabled horizon
}

# DevStack collects Horizon's files after post-config, so the plugin has to be there by then.
function configure_kerbside_horizon {
    cp "$KERBSIDE_DIR/clients/horizon-kerbside/horizon_kerbside/enabled/_1490_kerbside.py" "$KERBSIDE_HORIZON_ENABLED"
}

# A CA of our own and two certificates: remote-viewer gets the CA in its .vv file, so nobody has to trust it.
function make_kerbside_certificates {
    local pki=$KERBSIDE_CONF_DIR/pki subject="/O=DevStack/CN=Kerbside Proxy" name=DNS
    if [[ -e $pki/proxy.pem ]]; then
        return 0
    fi
    if [[ $KERBSIDE_PUBLIC_FQDN =~ ^[0-9.]+$|: ]]; then
        name=IP
    fi
    sudo install -d -m 0700 -o "$STACK_USER" "$pki"
    openssl req -x509 -newkey rsa:3072 -nodes -days 3650 -subj "/O=DevStack/CN=Kerbside CA" \
        -keyout "$pki/ca-key.pem" -out "$pki/ca.pem" 2> /dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$subject" \
        -keyout "$pki/proxy-key.pem" -out "$pki/proxy.csr" 2> /dev/null
    openssl x509 -req -days 3650 -in "$pki/proxy.csr" -CA "$pki/ca.pem" -CAkey "$pki/ca-key.pem" -CAcreateserial \
        -extfile <(echo "subjectAltName=$name:$(ipv6_unquote "$KERBSIDE_PUBLIC_FQDN")") -out "$pki/proxy.pem" 2> /dev/null
}

function configure_kerbside {
    sudo install -d -o "$STACK_USER" "$KERBSIDE_CONF_DIR"
    sudo install -d -m 0700 -o "$STACK_USER" "$KERBSIDE_STATE_DIR"
    make_kerbside_certificates
    (umask 077 && : > "$KERBSIDE_CONF")

    local seed=${KERBSIDE_AUTH_SECRET_SEED:-$(openssl rand -hex 32)}
    # DevStack writes addresses of IPv6 as URLs have them.
    local listen public
    listen=$(ipv6_unquote "$KERBSIDE_LISTEN_ADDRESS")
    public=$(ipv6_unquote "$KERBSIDE_PUBLIC_FQDN")
    iniset "$KERBSIDE_CONF" DEFAULT debug "$ENABLE_DEBUG_LOG_LEVEL"
    iniset "$KERBSIDE_CONF" DEFAULT state_path "$KERBSIDE_STATE_DIR"
    iniset "$KERBSIDE_CONF" api address "$listen"
    iniset "$KERBSIDE_CONF" api port "$KERBSIDE_API_PORT"
    iniset "$KERBSIDE_CONF" api auth_secret_seed "$seed"
    iniset "$KERBSIDE_CONF" database connection "$(database_connection_url kerbside)"
    iniset "$KERBSIDE_CONF" sources path "$KERBSIDE_CONF_DIR/sources.yaml"
    iniset "$KERBSIDE_CONF" spice address "$listen"
    iniset "$KERBSIDE_CONF" spice secure_port "$KERBSIDE_SECURE_PORT"
    iniset "$KERBSIDE_CONF" spice insecure_port "$KERBSIDE_INSECURE_PORT"
    iniset "$KERBSIDE_CONF" spice public_fqdn "$public"
    iniset "$KERBSIDE_CONF" spice public_secure_port "$KERBSIDE_SECURE_PORT"
    iniset "$KERBSIDE_CONF" spice public_insecure_port "$KERBSIDE_INSECURE_PORT"
    iniset "$KERBSIDE_CONF" spice host_subject "O=DevStack,CN=Kerbside Proxy"
    iniset "$KERBSIDE_CONF" spice cert_path "$KERBSIDE_CONF_DIR/pki/proxy.pem"
    iniset "$KERBSIDE_CONF" spice key_path "$KERBSIDE_CONF_DIR/pki/proxy-key.pem"
    iniset "$KERBSIDE_CONF" spice cacert_path "$KERBSIDE_CONF_DIR/pki/ca.pem"
    iniset "$KERBSIDE_CONF" html5proxy address "$listen"
    iniset "$KERBSIDE_CONF" html5proxy port "$KERBSIDE_HTML5_PORT"
    iniset "$KERBSIDE_CONF" metrics port "$KERBSIDE_METRICS_PORT"
    configure_keystone_authtoken_middleware "$KERBSIDE_CONF" kerbside keystone_authtoken console
    iniset_rpc_backend kerbside "$KERBSIDE_CONF"
    write_kerbside_sources
}

# The cloud itself is the one source. Its login is that of the service user.
function write_kerbside_sources {
    (umask 077 && cat > "$KERBSIDE_CONF_DIR/sources.yaml" << SOURCES
- source: $REGION_NAME
  type: openstack
  url: $KEYSTONE_SERVICE_URI
  username: kerbside
  password: "$SERVICE_PASSWORD"
  project_name: $SERVICE_PROJECT_NAME
  user_domain_id: default
  project_domain_id: default
SOURCES
    )
}

# nova-compute makes the URLs, the API services read theirs too. DevStack has written both files by now.
function configure_nova_for_kerbside {
    local conf
    for conf in "$NOVA_CONF" "$NOVA_CPU_CONF"; do
        [[ -e $conf ]] || continue
        iniset "$conf" spice enabled true
        iniset "$conf" spice spice_direct_proxy_base_url "$KERBSIDE_URL/nova-console.vv"
        iniset "$conf" spice html5proxy_base_url "$SPICEHTML5PROXY_URL"
        iniset "$conf" notifications notification_format "$NOVA_NOTIFICATION_FORMAT"
        iniset "$conf" oslo_messaging_notifications driver messagingv2
    done
}

function unconfigure_nova_for_kerbside {
    local conf
    for conf in "$NOVA_CONF" "$NOVA_CPU_CONF"; do
        [[ -e $conf ]] || continue
        inidelete "$conf" spice spice_direct_proxy_base_url
        inidelete "$conf" spice html5proxy_base_url
    done
}

# Nova lets nobody but an administrator look up console tokens.
function create_kerbside_accounts {
    create_service_user kerbside admin
    get_or_create_service kerbside console "Kerbside: native SPICE consoles"
    get_or_create_endpoint console "$REGION_NAME" "$KERBSIDE_URL"
}

function kerbside_command {
    echo "$(kerbside_node) $KERBSIDE_DIR/dist/cmd/$1.js"
}

function init_kerbside {
    recreate_database kerbside
    $(kerbside_command manage) --config-file "$KERBSIDE_CONF" db sync
}

function start_kerbside {
    local service
    for service in $KERBSIDE_SERVICES; do
        run_process "$service" "$(kerbside_command "${service#kerbside-}") --config-file $KERBSIDE_CONF"
    done
    if is_service_enabled kerbside-api; then
        wait_for_service "$SERVICE_TIMEOUT" "http://$(kerbside_probe_host "$KERBSIDE_LISTEN_ADDRESS"):$KERBSIDE_API_PORT/healthcheck" ||
            die $LINENO "kerbside-api did not start: see journalctl -u devstack@kerbside-api"
    fi
}

# The address to ask a service at that may listen on all of them.
function kerbside_probe_host {
    case $1 in
        0.0.0.0 | :: | "[::]") echo "$SERVICE_HOST" ;;
        *) echo "$1" ;;
    esac
}

function stop_kerbside {
    local service
    for service in $KERBSIDE_SERVICES; do
        stop_process "$service"
    done
}

function clean_kerbside {
    sudo rm -rf "$KERBSIDE_CONF_DIR" "$KERBSIDE_STATE_DIR" "$KERBSIDE_NODE_DIR"
}

if is_kerbside_enabled; then
    case "$1 $2" in
        "stack pre-install")
            echo_summary "Installing Node for Kerbside"
            install_kerbside_node
            ;;
        "stack install")
            echo_summary "Installing Kerbside"
            install_kerbside
            ;;
        "stack post-config")
            echo_summary "Configuring Kerbside"
            configure_kerbside
            # The host of the REST service has the database; others share it.
            if is_service_enabled kerbside-api; then
                init_kerbside
            fi
            if is_service_enabled key; then
                create_kerbside_accounts
            fi
            ;;
        "stack extra")
            echo_summary "Starting Kerbside"
            start_kerbside
            ;;
        "stack test-config") ;;
        "unstack ")
            stop_kerbside
            ;;
        "clean ")
            clean_kerbside
            ;;
    esac
fi

# The dashboard may run on a host of its own.
if is_kerbside_horizon_enabled; then
    case "$1 $2" in
        "stack install") setup_package "$KERBSIDE_DIR/clients/horizon-kerbside" -e ;;
        "stack post-config") configure_kerbside_horizon ;;
        "clean ") rm -f "$KERBSIDE_HORIZON_ENABLED/_1490_kerbside.py" ;;
    esac
fi

# A host that only computes has no service of Kerbside, and instances whose consoles lead to one.
if is_service_enabled nova n-cpu; then
    case "$1 $2" in
        "stack post-config") configure_nova_for_kerbside ;;
        "clean ") unconfigure_nova_for_kerbside ;;
    esac
fi

$_XTRACE_KERBSIDE
