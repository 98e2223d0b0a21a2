# SPDX-License-Identifier: Apache-2.0
# Settings of the one-machine test cloud.  Every value can be overridden from
# the environment:  SPICE_TLS=no ./up.sh
# (sourced by the other scripts; POSIX shell + bash)

CLOUD_HOME=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Folder the Debian system with OpenStack is installed into (a chroot).
: "${CLOUD_ROOT:=/var/tmp/kerbside-openstack}"
: "${CLOUD_SUITE:=trixie}"

# One password for every account of the cloud.  It listens on 127.0.0.1 only.
: "${CLOUD_PASSWORD:=labsecret}"
: "${CLOUD_REGION:=RegionOne}"
: "${CLOUD_HOSTNAME:=lab}"          # name nova-compute registers under

# Ports, all on 127.0.0.1.  Database and broker avoid their usual ports.
: "${DB_PORT:=13306}"
: "${MQ_PORT:=15673}"
: "${MQ_DIST_PORT:=15674}"          # Erlang distribution (rabbitmqctl)
: "${MQ_EPMD_PORT:=15675}"          # Erlang port mapper
: "${MEMCACHED_PORT:=11311}"
: "${KEYSTONE_PORT:=5000}"
: "${GLANCE_PORT:=9292}"
: "${PLACEMENT_PORT:=8778}"
: "${NOVA_PORT:=8774}"
: "${NEUTRON_PORT:=9696}"           # neutron_stub.py, not real Neutron

# SPICE servers of the guests get ports from this range.
: "${SPICE_PORT_MIN:=15900}"
: "${SPICE_PORT_MAX:=15999}"

# SPICE_TLS=yes       QEMU gets a certificate and a TLS port next to the plain one
# REQUIRE_SECURE=true nova asks for every SPICE channel to be TLS only
: "${SPICE_TLS:=yes}"
: "${REQUIRE_SECURE:=false}"

# What nova puts in front of "?token=..." for the two SPICE console types: both lead to Kerbside.
: "${SPICE_DIRECT_URL:=http://127.0.0.1:13002/nova-console.vv}"
: "${SPICE_HTML5_URL:=http://127.0.0.1:13002/nova}"

: "${VIRT_TYPE:=auto}"              # auto (kvm if it works), kvm, qemu

# SECOND_COMPUTE=yes    a second compute host on this machine, for live migration.
# The two hosts then have these addresses, on a cable of their own (veth), and
# SPICE servers listen there instead of on 127.0.0.1.
: "${SECOND_COMPUTE:=no}"
: "${SECOND_HOSTNAME:=lab2}"
# MIGRATION_BANDWIDTH (MiB/s, 0 = no limit): slow, so that SPICE clients, as with
# real guests, have connected to the destination before the memory is across.
: "${MIGRATION_BANDWIDTH:=1}"
: "${HOST_ADDRESS:=10.98.0.1}"
: "${SECOND_ADDRESS:=10.98.0.2}"
if [ "$SECOND_COMPUTE" = yes ]; then LISTEN_ADDRESS=$HOST_ADDRESS; else LISTEN_ADDRESS=127.0.0.1; fi

PID_DIR=$CLOUD_ROOT/run/lab
LOG_DIR=$CLOUD_ROOT/var/log/lab
