# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced, after claims.sh, by the checks that build and run containers: one image store for all of them, which stays for the
# next run, and what a machine without systemd and without the right to raise limits needs.
#   DEPLOY_CACHE           where it lies; default /var/tmp/kerbside-deploy
#   pod, bud               podman and buildah on that store
#   start NAME OPTION...   podman run --detach with the options of this machine; ended when the check ends
#   once OPTION...         podman run --rm, likewise
#   need_debian            the image localhost/debian:trixie, made by debootstrap: no registry is asked
DEPLOY_CACHE=${DEPLOY_CACHE:-/var/tmp/kerbside-deploy}
mkdir -p "$DEPLOY_CACHE"
store=(--root "$DEPLOY_CACHE/store" --runroot "$DEPLOY_CACHE/run")
# crun 1.8 refuses hybrid control groups.
pod() { podman "${store[@]}" --runtime "$(command -v runc)" "$@"; }
bud() { buildah "${store[@]}" "$@"; }

# Enough for a test, and no more than anybody may have: podman's own default is more than some machines allow.
run_options=(--pull never --ulimit nofile=4096:4096 --ulimit nproc=4096:4096)
# podman has its health checks run by systemd; here they are run by hand.
[ -d /run/systemd/system ] || run_options+=(--no-healthcheck)

started=()
end_containers() {
  local name
  for name in "${started[@]}"; do pod rm --force --time 0 "$name" >/dev/null 2>&1; done
  started=()
}
clean_up() { end_containers; rm -rf -- "$WORK"; }
trap clean_up EXIT

start() {
  local name=$1
  shift
  pod rm --force --time 0 "$name" >/dev/null 2>&1
  started+=("$name")
  pod run --detach --name "$name" "${run_options[@]}" "$@" >/dev/null
}
once() { pod run --rm "${run_options[@]}" "$@"; }

# until_true SECONDS COMMAND...
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.3
  done
}

free_port() {
  /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# The machine's own certificate authorities come along, so that builds reach what the machine reaches.
need_debian() {
  pod image exists localhost/debian:trixie && return 0
  local root=$DEPLOY_CACHE/debian-trixie
  rm -rf -- "$root"
  debootstrap --variant=minbase trixie "$root" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} >"$DEPLOY_CACHE/debootstrap.log" 2>&1 || {
    tail -n 3 "$DEPLOY_CACHE/debootstrap.log"
    return 1
  }
  mkdir -p "$root/usr/local/share/ca-certificates"
  cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" 2>/dev/null
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  tar -C "$root" -c . | pod import --quiet - localhost/debian:trixie
  rm -rf -- "$root"
}

# build NAME:TAG DIRECTORY OPTION...: prints seconds and size; the log stays in the cache
build() {
  local image=$1 directory=$2 begin=$SECONDS log
  shift 2
  log=$DEPLOY_CACHE/build-$(tr '/:' '--' <<<"$image").log
  if ! bud bud --isolation chroot --network host --pull-never --format docker "$@" -t "$image" "$directory" >"$log" 2>&1; then
    tail -n 15 "$log"
    return 1
  fi
  printf '%s: built in %s s, %s MB\n' "$image" "$((SECONDS - begin))" "$(megabytes "$image")"
}

megabytes() { echo $(($(pod image inspect --format '{{.Size}}' "$1") / 1000000)); }

# A self-signed certificate for the SPICE port: DIRECTORY/{cert,key}.pem, readable for the user of the images.
certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 -subj '/O=Test/CN=proxy' \
    -keyout "$1/key.pem" -out "$1/cert.pem" 2>/dev/null
  chmod 644 "$1/key.pem"
}
