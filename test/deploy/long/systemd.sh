#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The systemd units under a real systemd: Debian 13 boots in a container, the services run in their sandboxes. Builds on the
# image of the check `image`.
. "$(dirname -- "${BASH_SOURCE[0]}")/../claims.sh"
. test/deploy/containers.sh
image=localhost/kerbside-systemd:test

if ! pod image exists localhost/kerbside:test; then
  failed 'systemd: a container with systemd' 'run the check "image" first: it builds what this one stands on'
  finish
  exit
fi
mkdir -p "$WORK/build"
cp etc/systemd/* "$WORK/build/"
cat >"$WORK/build/Dockerfile" <<'DOCKERFILE'
FROM localhost/kerbside:test
USER 0
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends systemd systemd-sysv openssl \
    && for program in /usr/local/bin/kerbside*; do ln -s "$program" /usr/bin/; done \
    && userdel kerbside && rm -rf /etc/kerbside
COPY *.service /etc/systemd/system/
COPY kerbside.sysusers /usr/lib/sysusers.d/kerbside.conf
COPY kerbside.tmpfiles /usr/lib/tmpfiles.d/kerbside.conf
WORKDIR /
HEALTHCHECK NONE
STOPSIGNAL SIGRTMIN+3
CMD ["/sbin/init"]
DOCKERFILE
build "$image" "$WORK/build" --layers || { failed 'systemd: a container with systemd' "see $DEPLOY_CACHE"; exit 1; }
# Privileged: systemd makes name spaces and control groups. No network: the services talk on loopback.
start kerbside-systemd --systemd always --privileged --network none --ulimit nofile=20000:20000 "$image"
inside() { pod exec kerbside-systemd "$@"; }
booted() { [[ $(inside systemctl is-system-running) =~ ^(running|degraded)$ ]]; }
claim 'systemd: Debian 13 boots in a container' until_true 60 booted || exit 1

set_up() {
  inside sh -ec '
    id kerbside
    cd /etc/kerbside
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=proxy -keyout key.pem -out cert.pem
    echo "[]" >sources.yaml
    printf "%s\n" "[api]" "auth_secret_seed = 0123456789abcdef0123456789abcdef" "[spice]" "cert_path = /etc/kerbside/cert.pem" \
      "key_path = /etc/kerbside/key.pem" "cacert_path = /etc/kerbside/cert.pem" >kerbside.conf
    chgrp kerbside key.pem kerbside.conf && chmod 0640 key.pem kerbside.conf'
}
claim 'systemd: sysusers and tmpfiles made user and folders at boot' set_up
unit() { inside systemctl "$@"; }
active() { unit is-active --quiet "$1"; }
well() { inside kerbside-status health "$1"; }
property() { unit show --property "$2" --value "$1"; }
main_pid() { property "$1" MainPID; }

claim 'systemd: kerbside starts' unit start kerbside
claim 'systemd: kerbside is well within 20 s' until_true 20 well kerbside
sandboxed() {
  local status
  status=$(inside cat "/proc/$(main_pid kerbside)/status")
  grep -q 'CapBnd:.0000000000000000' <<<"$status" && grep -q 'NoNewPrivs:.1' <<<"$status" && grep -q 'Seccomp:.2' <<<"$status"
}
claim 'systemd: it has no capability, cannot gain one, and its system calls are filtered' sandboxed
readonly_root() { grep -q 'Read-only file system' <(inside nsenter --target "$(main_pid kerbside)" --mount -- touch /usr/written 2>&1); }
claim 'systemd: its view of /usr is read-only' readonly_root
claim 'systemd: /home is empty for it' inside sh -c "! ls /proc/$(main_pid kerbside)/root/home/* 2>/dev/null"
echo "systemd: $(inside systemd-analyze security --no-pager kerbside | tail -n 1)"
reloads() { unit reload kerbside && until_true 5 inside sh -c 'journalctl -u kerbside | grep "reload requested"' && active kerbside; }
claim 'systemd: reload reaches it' reloads
comes_back() {
  local before
  before=$(main_pid kerbside)
  inside sh -c "kill -KILL $before"
  until_true 30 well kerbside && [ "$(main_pid kerbside)" != "$before" ] && [ "$(property kerbside NRestarts)" = 1 ]
}
claim 'systemd: killed, it is started again and well' comes_back
stops() { unit stop kerbside && [ "$(property kerbside Result)" = success ]; }
claim 'systemd: it stops with success' stops

sync_schema() { inside runuser -u kerbside -- kerbside-manage db sync; }
claim 'systemd: the schema is made by hand, as the user kerbside' sync_schema
for name in api proxy conductor html5proxy; do
  claim "systemd: kerbside-$name starts" unit start "kerbside-$name"
  claim "systemd: kerbside-$name is ready" until_true 20 inside sh -c "journalctl -u kerbside-$name | grep 'kerbside-$name is ready'"
done
together() { well kerbside-api && well kerbside-proxy && active kerbside-conductor && active kerbside-html5proxy; }
claim 'systemd: they run side by side' until_true 10 together
instead() { unit start kerbside && ! active kerbside-api && ! active kerbside-html5proxy && until_true 20 well kerbside; }
claim 'systemd: kerbside takes the place of the separate programs' instead

broken() {
  inside sed -i 's/^auth_secret_seed.*//' /etc/kerbside/kerbside.conf && unit restart kerbside
  until_true 10 inside sh -c 'journalctl -u kerbside | grep "auth_secret_seed: .* set it"'
}
claim 'systemd: with a wrong configuration the journal says what to set' broken
mended() {
  inside sh -c 'printf "%s\n" "[api]" "auth_secret_seed = 0123456789abcdef0123456789abcdef" >>/etc/kerbside/kerbside.conf'
  until_true 30 well kerbside
}
claim 'systemd: ... and when it is mended, the service comes up by itself' mended
finish
