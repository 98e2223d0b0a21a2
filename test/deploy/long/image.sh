#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Dockerfile for people without Kolla: built, looked into, run all in one with SQLite, drained, started again.
# shellcheck disable=SC2016  # shells inside the image expand their own variables
. "$(dirname -- "${BASH_SOURCE[0]}")/../claims.sh"
. test/deploy/containers.sh
image=localhost/kerbside:test

claim 'image: a Debian base by debootstrap' need_debian || exit 1
build "$image" . --layers --build-arg BASE=localhost/debian:trixie >"$WORK/build" 2>&1 ||
  { cat "$WORK/build"; failed 'image: the Dockerfile builds' "see $DEPLOY_CACHE/build-localhost-kerbside-test.log"; exit 1; }
cat "$WORK/build"
ok 'image: the Dockerfile builds'
added=$(($(megabytes "$image") - $(megabytes localhost/debian:trixie)))
echo "image: $added MB over Debian"
claim 'image: 250 MB at most over Debian' [ "$added" -le 250 ]

inside() { once --network none "$image" "$@"; }
without() { inside sh -c 'for name; do if command -v "$name"; then echo "$name is in the image"; exit 1; fi; done' sh "$@"; }
claim 'image: runs Node 24' grep -q '^v24\.' <(inside node --version)
claim 'image: no compiler, no make, no npm, no Python' without cc gcc g++ c++ make npm npx python3
claim 'image: runs as uid 42495' grep -qx 42495 <(inside id -u)
claim 'image: no development modules, sources or tests' inside sh -c \
  'cd /opt/kerbside && for path in node_modules/typescript node_modules/jest src test .git; do [ ! -e "$path" ] || exit 1; done'
declares() {
  local word inspected
  inspected=$(pod image inspect "$image")
  for word in /var/lib/kerbside 5900/tcp 5901/tcp 6082/tcp 13002/tcp kerbside-status SIGTERM 42495:42495; do
    grep -qF "\"$word\"" <<<"$inspected" || { echo "$word is missing"; return 1; }
  done
}
claim 'image: declares volume, ports, health check, signal to stop and user' declares
claim 'image: every program answers --version' inside sh -c \
  'for name in /usr/local/bin/kerbside*; do "$name" --version || exit 1; done'

# All in one, with nothing but the environment and a folder of certificates.
conf=$WORK/conf
mkdir -p "$conf" "$WORK/state"
chmod 755 "$WORK" "$conf"
certificate "$conf"
echo '[]' >"$conf/sources.yaml"
chown 42495:42495 "$WORK/state"
api=$(free_port) secure=$(free_port) plain=$(free_port) metrics=$(free_port)
settings=(-e OS_API__ADDRESS=127.0.0.1 -e OS_API__PORT="$api" -e OS_SPICE__SECURE_PORT="$secure" -e OS_SPICE__INSECURE_PORT="$plain"
  -e OS_METRICS__PORT="$metrics" -e OS_SPICE__CERT_PATH=/etc/kerbside/cert.pem -e OS_SPICE__KEY_PATH=/etc/kerbside/key.pem
  -e OS_SPICE__CACERT_PATH=/etc/kerbside/cert.pem -v "$conf:/etc/kerbside:ro" -v "$WORK/state:/var/lib/kerbside")
seed=(-e OS_API__AUTH_SECRET_SEED=0123456789abcdef0123456789abcdef)

once --network host "${settings[@]}" "$image" >"$WORK/out" 2>&1
claim 'image: without a seed it ends with one clear line' grep -q '^kerbside: \[api\] auth_secret_seed: .* set it' "$WORK/out"

healthy() { curl -fsS --max-time 5 "http://127.0.0.1:$api/healthcheck"; }
begin=$(date +%s%N)
start kerbside-image --network host --read-only --tmpfs /tmp --cap-drop all --security-opt no-new-privileges "${settings[@]}" "${seed[@]}" "$image"
claim 'image: with a read-only root and no capabilities it is healthy within 20 s' until_true 20 healthy
echo "image: healthy after $((($(date +%s%N) - begin) / 1000000)) ms"
claim 'image: its health check says so' pod exec kerbside-image kerbside-status health
claim 'image: the SPICE port speaks TLS' grep -q 'subject=O = Test, CN = proxy' <(openssl s_client -connect "127.0.0.1:$secure" </dev/null 2>&1)
claim 'image: a user can be made' pod exec -i kerbside-image kerbside-manage user create alice <<<'a password for a test'
stops_well() { healthy && pod stop --time 50 kerbside-image && [ "$(pod inspect --format '{{.State.ExitCode}}' kerbside-image)" = 0 ]; }
claim 'image: SIGTERM ends it with status 0' stops_well
start kerbside-image --network host "${settings[@]}" "${seed[@]}" "$image"
until_true 20 healthy
claim 'image: a new container has the users of the volume' grep -q alice <(pod exec kerbside-image kerbside-manage user list)
killed_and_back() { pod kill --signal KILL kerbside-image && pod start kerbside-image && until_true 20 healthy; }
claim 'image: one killed without warning leaves a state that the next one takes up' killed_and_back
finish
