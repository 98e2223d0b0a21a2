#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The documented command: kolla-build itself builds the images, with podman, from a tar file of the last commit. Debian 13's
# python3-podman is what it wants, so it runs in a root of that release; podman runs outside.
#   KOLLA_DIR     a checkout: git clone https://opendev.org/openstack/kolla
#   DEPLOY_CACHE  where root and images stay; a base image that the check kolla-images has built is taken up
. "$(dirname -- "${BASH_SOURCE[0]}")/../claims.sh"
. test/deploy/containers.sh

if [ ! -e "${KOLLA_DIR:-}/kolla/cmd/build.py" ]; then
  failed 'kolla-build' 'give a checkout with --kolla DIR (git clone https://opendev.org/openstack/kolla)'
  finish
  exit
fi
tag=kolla-build
root=$DEPLOY_CACHE/root
inside() { chroot "$root" env LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive PYTHONPATH=/opt/kolla PBR_VERSION=22.0.0 "$@"; }
prepare_root() {
  [ -e "$root/etc/debian_version" ] || debootstrap --variant=minbase trixie "$root" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} || return
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  inside apt-get update -q && inside apt-get install -y -q --no-install-recommends git python3-git python3-jinja2 python3-oslo.config \
    python3-pbr python3-podman python3-requests python3-yaml
}
claim 'kolla-build: a root with its modules' prepare_root || exit 1
claim 'kolla-build: a Debian base by debootstrap' need_debian || exit 1

rm -rf "$root/opt/kolla" "$root/opt/kerbside"
mkdir -p "$root/opt/kolla" "$root/opt/kerbside" "$root/run/podman"
tar -C "$KOLLA_DIR" --exclude .git -c . | tar -C "$root/opt/kolla" -x
git archive --format=tar --prefix=kerbside/ --output="$root/opt/kerbside/kerbside.tar" HEAD
git archive --format=tar HEAD kolla/kolla-build.conf kolla/docker | tar -C "$root/opt/kerbside" -x
# As in the check kolla-images: no package sources of other projects.
cat >"$root/opt/kerbside/overrides.j2" <<'J2'
{% extends parent_template %}
{% block base_debian_after_sources_list %}
RUN printf '#!/bin/sh\nexit 0\n' > /usr/local/sbin/extrepo && chmod 755 /usr/local/sbin/extrepo
{% endblock %}
{% block base_ubuntu_package_key_installation %}{% endblock %}
J2

cat >"$WORK/containers.conf" <<'CONF'
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
netns = "host"
[engine]
cgroup_manager = "cgroupfs"
CONF
socket=$root/run/podman/kolla-build.sock
rm -f "$socket"
(trap - EXIT; exec env CONTAINERS_CONF="$WORK/containers.conf" podman "${store[@]}" --runtime "$(command -v runc)" \
  system service --time 0 "unix://$socket") >"$WORK/podman.log" 2>&1 &
service=$!
clean_up() {
  kill "$service" 2>/dev/null && wait "$service" 2>/dev/null
  rm -rf -- "$root/opt/kolla" "$root/opt/kerbside" "$socket" "$WORK"
}
answers() { curl -fsS --unix-socket "$socket" http://podman/_ping; }
claim 'kolla-build: podman serves its API' until_true 60 answers || exit 1

for name in base api proxy conductor html5proxy; do pod rmi --force "localhost/kolla/kerbside-$name:$tag" >/dev/null 2>&1; done
if pod image exists localhost/kolla/base:kerbside-1.0; then pod tag localhost/kolla/base:kerbside-1.0 "localhost/kolla/base:$tag"; fi
begin=$SECONDS
inside sh -c "cd /opt/kerbside && python3 /opt/kolla/kolla/cmd/build.py --config-file kolla/kolla-build.conf --docker-dir kolla/docker \
  --template-override overrides.j2 --engine podman --podman_base_url unix:///run/podman/kolla-build.sock --nopull --skip-existing \
  --base-image localhost/debian --base-tag trixie --tag $tag --format json --summary-json-file /opt/kerbside/summary.json '^kerbside'" \
  >"$DEPLOY_CACHE/kolla-build.log" 2>&1
status=$?
built() {
  [ "$status" -eq 0 ] || { tail -n 5 "$DEPLOY_CACHE/kolla-build.log"; return 1; }
  /usr/bin/python3 - "$root/opt/kerbside/summary.json" <<'PYTHON'
import json
import sys
summary = json.load(open(sys.argv[1]))
wanted = {f'kerbside-{name}' for name in ('base', 'api', 'proxy', 'conductor', 'html5proxy')}
missing = wanted - {image['name'] for image in summary['built']}
sys.exit(f'failed: {summary["failed"]}, not built: {sorted(missing)}' if summary['failed'] or missing else 0)
PYTHON
}
claim 'kolla-build: the documented command builds all five images' built
echo "kolla-build: $((SECONDS - begin)) s, kerbside-api $(megabytes "localhost/kolla/kerbside-api:$tag") MB, base $(megabytes "localhost/kolla/base:$tag") MB"
claim 'kolla-build: the image runs Node 24' grep -q '^v24\.' <(once --network none --entrypoint '' "localhost/kolla/kerbside-api:$tag" node --version)
claim 'kolla-build: its programs run' once --network none --entrypoint '' "localhost/kolla/kerbside-api:$tag" kerbside-status --version
finish
