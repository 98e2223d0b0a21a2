# SPDX-License-Identifier: Apache-2.0
# Sourced by the other scripts of this folder: brings a machine that has only Node and Debian's package source
# to the point where the script can run. Everything is installed only when it is missing.
#   prepare_debian <profile>...   the Debian packages of bindep.txt
#   prepare_node                  node_modules as package-lock.json says, better-sqlite3 compiled for this Node
#   prepare_build                 dist/, when a source file is newer
# NO_INSTALL=1 forbids every installation: the script then names what is missing and fails.
set -euo pipefail

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/node_modules/.bin:/usr/sbin:/sbin:$PATH"

say() { printf '%s: %s\n' "$(basename -- "$0")" "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

# Names of the packages of bindep.txt that any of the given profiles asks for, one a line. Of bindep's marks these count:
# a profile, and platform:debian-CODENAME or !platform:debian-CODENAME for packages that not every Debian has.
bindep_packages() {
  awk -v wanted=" $* " -v codename="$(debian_codename)" '
    /^[[:space:]]*(#|$)/ { next }
    { match($0, /\[[^]]*\]/); count = split(substr($0, RSTART + 1, RLENGTH - 2), marks, " ")
      asked = 0; here = 1
      for (i = 1; i <= count; i++) {
        if (marks[i] ~ /^!?platform:debian-/) {
          same = (substr(marks[i], index(marks[i], "-") + 1) == codename)
          if (marks[i] ~ /^!/ ? same : !same) here = 0
        } else if (index(wanted, " " marks[i] " ")) asked = 1
      }
      if (asked && here) print $1 }' bindep.txt
}

debian_codename() {
  # shellcheck disable=SC1091  # a file of the system
  (. /etc/os-release 2>/dev/null && printf '%s' "${VERSION_CODENAME:-unknown}")
}

missing_packages() {
  local package
  for package in $(bindep_packages "$@"); do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || printf '%s\n' "$package"
  done
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Root already, or sudo without a question: one that a user cannot answer would look as if the script hung.
can_be_root() {
  [ "$(id -u)" -eq 0 ] && return 0
  command -v sudo >/dev/null || return 1
  sudo -n true 2>/dev/null
}

# A package that brings a service (haproxy, nginx) must not start it on the developer's machine.
apt_install() {
  local policy=/usr/sbin/policy-rc.d made=no status=0
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    made=yes
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends "$@" </dev/null >&2 || status=$?
  if [ "$made" = yes ]; then as_root rm -f "$policy"; fi
  return "$status"
}

prepare_debian() {
  local missing
  if ! command -v dpkg-query >/dev/null; then
    say "this is no Debian: please install the counterparts of: $(bindep_packages "$@" | xargs)"
    return 0
  fi
  missing=$(missing_packages "$@" | xargs)
  [ -n "$missing" ] || return 0
  [ "${NO_INSTALL:-}" != 1 ] || fail "NO_INSTALL=1 is set and these Debian packages are missing: $missing"
  if ! can_be_root; then
    fail "these Debian packages are missing and there is no root access to install them; run as root: apt-get install $missing (or, where you may use sudo: sudo -v, and this again)"
  fi
  say "installing Debian packages: $missing"
  # shellcheck disable=SC2086  # a list of package names
  if ! { apt-get install -s -q $missing >/dev/null 2>&1 && apt_install $missing; }; then
    as_root apt-get -o DPkg::Lock::Timeout=300 update -q </dev/null >&2 || say "apt-get update failed; trying with the lists at hand"
    # shellcheck disable=SC2086
    apt_install $missing || fail "apt-get could not install: $missing (see its message above)"
  fi
}

check_node_version() {
  command -v node >/dev/null || fail 'Node is not installed: Node 20.19 or newer is needed (https://nodejs.org)'
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    fail "Node $(node --version) is too old: 20.19 or newer is needed"
}

# npm keeps a record of what it installed; it is compared with the lock file package by package.
node_modules_current() {
  node -e '
    const read = (path) => JSON.parse(require("node:fs").readFileSync(path, "utf8")).packages;
    const wanted = Object.entries(read("package-lock.json")).filter(([path, entry]) => path !== "" && !entry.optional);
    const have = read("node_modules/.package-lock.json");
    process.exit(wanted.every(([path, entry]) => have[path]?.version === entry.version) ? 0 : 1);' 2>/dev/null
}

# It loads, and its objects may be collected: compiled with other headers than this Node's, it crashes there (see "header" in
# image/runtime.lock). Another Node than the one on PATH may be named.
sqlite_works() {
  "${1:-node}" --expose-gc -e '
    const database = new (require("better-sqlite3"))(":memory:");
    for (let i = 0; i < 10000; i += 1) database.prepare("SELECT 1");
    gc();
    database.close();' 2>/dev/null
}

# The folder whose include/node has the headers of exactly this Node. Nothing: node-gyp fetches them.
own_headers() {
  local folder
  for folder in "$(node -p 'require("node:path").resolve(process.execPath, "../..")')" "$(npm config get nodedir 2>/dev/null)"; do
    if node -e '
      const { readFileSync } = require("node:fs");
      const text = readFileSync(`${process.argv[1]}/include/node/node_version.h`, "utf8");
      const part = (name) => new RegExp(`define NODE_${name}_VERSION (\\d+)`).exec(text)?.[1];
      process.exit(["MAJOR", "MINOR", "PATCH"].map(part).join(".") === process.versions.node ? 0 : 1);' "$folder" 2>/dev/null; then
      printf '%s' "$folder"
      return
    fi
  done
}

install_node_modules() {
  local headers
  check_node_version
  if node_modules_current && sqlite_works; then return 0; fi
  [ "${NO_INSTALL:-}" != 1 ] || fail 'NO_INSTALL=1 is set and node_modules does not match package-lock.json; run: npm ci'
  prepare_debian build
  # Set in any case: headers of another Node that npm is told of elsewhere would be taken.
  headers=$(own_headers)
  export npm_config_nodedir="$headers"
  if node_modules_current; then
    say 'compiling better-sqlite3 for this Node (about two minutes)'
    npm rebuild better-sqlite3 </dev/null >&2 || fail 'better-sqlite3 did not compile (see the message above)'
  else
    say 'installing node packages (about three minutes: better-sqlite3 may have to be compiled)'
    npm ci </dev/null >&2 || fail 'npm ci failed (see the message above)'
  fi
  sqlite_works ||
    fail 'better-sqlite3 does not work under this Node; see what it says: npm rebuild better-sqlite3 --foreground-scripts
(a Node whose headers fit: ./image/build node DIR)'
}

# Two scripts that start together take turns here.
prepare_node() {
  (
    flock 9
    install_node_modules
  ) 9<package.json
}

build_when_stale() {
  if [ -e dist/.built ] && [ -z "$(find src ui package.json tsconfig.json tsconfig.build.json -newer dist/.built -print -quit)" ]; then return 0; fi
  say 'building'
  mkdir -p dist
  touch dist/.building
  npm run --silent build >&2 || fail 'the build failed (see the message above)'
  mv dist/.building dist/.built
}

prepare_build() {
  prepare_node
  (
    flock 9
    build_when_stale
  ) 9<package.json
}

# Jest on one suite: run_jest <suite> [jest options and paths]. Several suites: comma separated.
run_jest() {
  local suites=${1//,/ } workers
  shift
  workers=${JEST_WORKERS:-$(nproc)}
  if [ "$workers" -gt 4 ]; then workers=4; fi
  # --selectProjects takes all words after it, so it comes last.
  # shellcheck disable=SC2086
  NODE_OPTIONS="${NODE_OPTIONS:-} --experimental-vm-modules --no-warnings" \
    jest --maxWorkers="$workers" "$@" --selectProjects $suites </dev/null
}
