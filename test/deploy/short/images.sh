#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What images are built from, without building one: the Dockerfile, the Kolla templates rendered with macros of this test, the
# pins of Node, and the start script of kerbside-api run with the built programs.
. "$(dirname -- "${BASH_SOURCE[0]}")/../claims.sh"

lint() { /usr/bin/python3 test/deploy/dockerfile-lint.py "$@"; }
render() { /usr/bin/python3 test/deploy/kolla-images/render.py "$@"; }
services() { node -p 'Object.keys(require("./package.json").bin).filter((name) => !/-(manage|status)$/.test(name)).join("\n")'; }

claim 'images: the Dockerfile keeps the rules' lint --leaf Dockerfile
claim 'images: the Kolla templates render for Debian' render "$WORK/deb"
claim 'images: ... for rpm, too' render "$WORK/rpm" base_package_type=rpm base_distro=rocky distro_package_manager=dnf
claim 'images: ... and without health checks, with patches and with packages of the operator' render "$WORK/custom" \
  docker_healthchecks=false patches_path=/patches kerbside_base_packages_append=strace kerbside_base_builder_packages_append=gdb
claim 'images: kerbside-base keeps the rules' lint "$WORK/deb/kerbside-base/Dockerfile" "$WORK/rpm/kerbside-base/Dockerfile"
for kind in deb rpm; do
  claim "images: the images of the services keep the rules ($kind)" lint --leaf "$WORK/$kind"/kerbside-{api,proxy,conductor,html5proxy}/Dockerfile
done

has() { grep -qE -- "$2" "$WORK/$1/Dockerfile"; }
hasnot() { ! has "$@"; }
claim 'images: kerbside-base stands on base, both of its stages' test 2 = "$(grep -cE '^FROM kolla/base:test( AS builder)?$' "$WORK/deb/kerbside-base/Dockerfile")"
first_parent() { grep -m 1 '^FROM' "$WORK/deb/$1/Dockerfile" | cut -d ' ' -f 2; }
claim 'images: kolla-build finds the parent of kerbside-base' test kolla/base:test = "$(first_parent kerbside-base)"
claim 'images: packages of the operator come in' has custom/kerbside-base 'install.* strace'
claim 'images: ... into the builder, too, under their own name' has custom/kerbside-base 'install g\+\+ make|install.*(make|gdb)'
claim 'images: patches come where the source is' has custom/kerbside-base 'kolla_patch'
claim 'images: no health check when Kolla wants none' hasnot custom/kerbside-api HEALTHCHECK
for name in $(services); do
  [ "$name" != kerbside ] || continue
  claim "images: $name has a template and a start in it" test -e "kolla/docker/kerbside/$name/Dockerfile.j2"
done
for template in kolla/docker/kerbside/*/Dockerfile.j2; do
  name=$(basename -- "$(dirname -- "$template")")
  claim "images: $name has Kolla's blocks" grep -qzP "block ${name//-/_}_header .*block ${name//-/_}_footer " \
    <(tr '\n' ' ' <"$template")
done

# The lint finds what it is for.
finds() { # finds <fault> <line>...
  local fault=$1
  shift
  printf '%s\n' "$@" >"$WORK/Dockerfile.bad"
  ! lint --leaf "$WORK/Dockerfile.bad" >"$WORK/faults" && grep -qF -- "$fault" "$WORK/faults"
}
tail=('HEALTHCHECK CMD ["true"]' 'USER 1')
claim 'images: the lint finds a compiler in the last stage' finds 'in the last stage' 'FROM a:1' \
  'RUN apt-get install -y --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*' "${tail[@]}"
claim 'images: the lint finds an image that runs as root' finds 'runs as root' 'FROM a:1' "${tail[0]}" 'USER root'
claim 'images: the lint finds a missing health check' finds 'no HEALTHCHECK' 'FROM a:1' "${tail[1]}"
claim 'images: the lint finds an unknown stage' finds 'no such stage' 'FROM a:1' 'COPY --from=b / /' "${tail[@]}"
claim 'images: the lint finds a secret' finds 'secrets stay' 'FROM a:1' 'ENV NPM_TOKEN=x' "${tail[@]}"
claim 'images: the lint finds an image without a version' finds 'name a version' 'FROM a' "${tail[@]}"

# Pins: whole checksums, one major version for what runs and what is compiled with.
pins() {
  awk '/^#/ { next } NF != 4 || $4 !~ /^[0-9a-f]+$/ || length($4) != 128 { print "line " NR ": purpose package version sha512"; bad = 1 }
    $1 != "npm" { split($3, part, "."); majors[part[1]] = 1 } $1 == "header" && part[1] == 24 && part[2] >= 19 { print "line " NR ": a header of before 24.19"; bad = 1 }
    END { for (major in majors) count++; if (count != 1) { print "several major versions of Node"; bad = 1 } exit bad }' image/runtime.lock
}
claim 'images: runtime.lock pins Node, its header and npm by checksum' pins
context() {
  local path
  while IFS= read -r path; do [ -e "$path" ] || { echo ".dockerignore lets in $path, which is not there"; return 1; }; done < <(sed -n 's/^!//p' .dockerignore)
  grep -qx '\*' .dockerignore
}
claim 'images: the build context is a list of what it needs' context

# kolla_start sources the script under errexit, nounset and pipefail; then it would run the service.
mkdir -p "$WORK/bin" "$WORK/state"
for name in manage status; do ln -s "$PWD/dist/cmd/$name.js" "$WORK/bin/kerbside-$name"; done
start() { # start <database file> [VARIABLE=value]...
  local database=$1
  shift
  env -i PATH="$WORK/bin:$PATH" OS_DATABASE__CONNECTION="sqlite:///$database" OS_DEFAULT__STATE_PATH="$WORK/state" "$@" \
    bash -o errexit -o nounset -o pipefail -c '. kolla/docker/kerbside/kerbside-api/extend_start.sh; echo the service starts'
}
serves() { start "$WORK/state/none.sqlite" | grep -qx 'the service starts' && [ ! -e "$WORK/state/none.sqlite" ]; }
claim 'images: without a one-shot variable the service starts and nothing is done before' serves
bootstraps() {
  start "$WORK/state/db.sqlite" KOLLA_BOOTSTRAP= >"$WORK/out" && ! grep -q 'the service starts' "$WORK/out" && [ -s "$WORK/state/db.sqlite" ]
}
claim 'images: KOLLA_BOOTSTRAP, even empty, makes the schema and ends' bootstraps
claim 'images: ... a second time, too' bootstraps
upgrades() { start "$WORK/state/db.sqlite" KOLLA_UPGRADE=1 >"$WORK/out" && ! grep -q 'the service starts' "$WORK/out"; }
claim 'images: KOLLA_UPGRADE brings the schema up to date and ends' upgrades
fails() { ! start "$WORK/nowhere/db.sqlite" KOLLA_BOOTSTRAP= >"$WORK/out" 2>&1 && grep -q 'the folder .*/nowhere does not exist; create it' "$WORK/out"; }
claim 'images: a bootstrap that fails fails the container, with the reason' fails
checks() {
  local status=0
  start "$WORK/state/db.sqlite" KOLLA_UPGRADE_CHECK= >"$WORK/out" 2>&1 || status=$?
  [ "$status" -eq 2 ] && grep -q 'Upgrade Check Results' "$WORK/out"
}
claim 'images: KOLLA_UPGRADE_CHECK ends with the status of the check' checks
finish
