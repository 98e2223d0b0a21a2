# SPDX-License-Identifier: Apache-2.0
# Helpers shared by the scripts (sourced).

. "$(dirname "${BASH_SOURCE[0]}")/settings.sh"

export T0=${T0:-$EPOCHREALTIME}             # so that child scripts count from the same start
say() { awk -v a="$T0" -v b="$EPOCHREALTIME" -v m="$*" 'BEGIN { printf "[%6.1fs] %s\n", b - a, m }'; }
die() { echo "error: $*" >&2; exit 1; }

in_root()  { chroot "$CLOUD_ROOT" env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root "$@"; }
as_user()  { local u=$1; shift; in_root setpriv --reuid "$u" --regid "$u" --init-groups "$@"; }

# --- mounts -----------------------------------------------------------------
MOUNTS="proc sys dev dev/pts dev/shm"

mount_all() {
    local m
    for m in $MOUNTS; do
        mkdir -p "$CLOUD_ROOT/$m"
        if ! mountpoint -q "$CLOUD_ROOT/$m"; then mount --bind "/$m" "$CLOUD_ROOT/$m"; fi
    done
}

umount_all() {
    local m
    for m in $(echo $MOUNTS | tr ' ' '\n' | tac); do
        if mountpoint -q "$CLOUD_ROOT/$m"; then umount "$CLOUD_ROOT/$m" || true; fi
    done
}

# --- processes --------------------------------------------------------------
# A pid file holds "<pid> <start time>", the second so that a pid that has been
# given to another process since is never signalled.
start_time() { awk '{ sub(/^.*\) /, ""); print $20 }' "/proc/$1/stat" 2>/dev/null; }

is_up() {                                   # is_up NAME
    local pid when
    [ -r "$PID_DIR/$1.pid" ] || return 1
    read -r pid when <"$PID_DIR/$1.pid" || return 1
    [ -n "$when" ] && [ "$(start_time "$pid")" = "$when" ]
}

start() {                                   # start NAME USER COMMAND...
    local name=$1 user=$2 pid; shift 2
    if is_up "$name"; then return 0; fi
    # setsid: own session and process group, so that stop() can reach children.
    # setsid, nsenter and chroot all exec, so $! stays the pid of the service itself.
    setsid ${ENTER:-} chroot "$CLOUD_ROOT" env -i \
        PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME="$(home_of "$user")" \
        setpriv --reuid "$user" --regid "$(id_of "$user")" --init-groups "$@" \
        >>"$LOG_DIR/$name.log" 2>&1 </dev/null &
    pid=$!
    echo "$pid $(start_time "$pid")" >"$PID_DIR/$name.pid"
}
# The second compute host is a set of namespaces (network, mounts, host name)
# held by the process "second-host".
enter_second() { local pid; read -r pid _ <"$PID_DIR/second-host.pid"; echo "nsenter -t $pid -n -u -m --"; }
start_second() { ENTER=$(enter_second) start "$@"; }
in_second()    { $(enter_second) chroot "$CLOUD_ROOT" env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root "$@"; }
second_port_open() { $(enter_second) bash -c "exec 3<>/dev/tcp/127.0.0.1/$1"; }
second_guests_off() {
    local d
    if ! is_up second-host || ! is_up second-libvirtd; then return 0; fi
    for d in $(in_second virsh -q list --name); do in_second virsh -q destroy "$d" >/dev/null && say "guest $d off ($SECOND_HOSTNAME)"; done
}
home_of() { awk -F: -v u="$1" '$1==u {print $6}' "$CLOUD_ROOT/etc/passwd"; }
id_of()   { awk -F: -v u="$1" '$1==u {print $4}' "$CLOUD_ROOT/etc/passwd"; }

stop() {                                    # stop NAME
    local name=$1 pid when i
    if is_up "$name"; then
        read -r pid when <"$PID_DIR/$name.pid"
        kill -TERM "$pid" 2>/dev/null
        for i in $(seq 200); do is_up "$name" || break; sleep 0.1; done
        if is_up "$name"; then kill -KILL -- "-$pid" 2>/dev/null; say "  $name had to be killed"; fi
    fi
    rm -f "$PID_DIR/$name.pid"
}
stop_all() { local n; for n in "$@"; do stop "$n" & done; wait; }

wait_for() {                                # wait_for SECONDS NAME COMMAND...
    local limit=$1 name=$2 end; shift 2
    end=$(($(date +%s) + limit))
    until "$@" >/dev/null 2>&1; do
        if ! is_up "$name"; then tail -20 "$LOG_DIR/$name.log" >&2; die "$name stopped; log: $LOG_DIR/$name.log"; fi
        if [ "$(date +%s)" -ge "$end" ]; then die "$name not ready after ${limit}s; log: $LOG_DIR/$name.log"; fi
        sleep 0.2
    done
}
port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
http_ok()   { curl -s -o /dev/null --noproxy '*' --max-time 5 "$1"; }
