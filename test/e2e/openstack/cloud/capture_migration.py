#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Live-migrate a server while a SPICE client looks at it; record what happens.

Runs in the chroot (up.sh installs it there), needs SECOND_COMPUTE=yes:
    ./in-root capture_migration.py OUT-FOLDER SERVER-ID DESTINATION [options]

    --tls           client and relay use the TLS port
    --relay MODE    what the relay between client and QEMU does with the
                    migration messages of the main channel:
                      pass      nothing (default)
                      rewrite   names itself as the destination
                      swallow   keeps them from the client
                      refuse    answers BEGIN itself with CONNECT_ERROR,
                                rewrites SWITCH_HOST
    --caps CAPS     migration capabilities the client is shown to have:
                    seamless (default), semi, none
    --late          the client's CONNECTED reaches the source 3 s late: it loses the
                    race against the memory for sure, and its new connections
                    take 0.1 s each, as over a network (with --relay rewrite)
    --close         on SWITCH_HOST the relay closes what the client has already
                    opened to the destination (with --relay rewrite)
    --joined        the relay may put several messages into one TLS record
    --no-client     nobody looks

Writes timeline.jsonl (everything, in order; t = seconds since the API call),
notifications/, remote-viewer.log, result.json.
Standard library only.  The client is remote-viewer under Xvfb.
"""
import argparse
import asyncio
import collections
import json
import os
import re
import ssl
import struct
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

CHANNELS = {1: 'main', 2: 'display', 3: 'inputs', 4: 'cursor', 5: 'playback', 6: 'record',
            8: 'smartcard', 9: 'usbredir', 10: 'port', 11: 'webdav'}
# on every channel
SERVER_ALL = {1: 'MIGRATE', 2: 'MIGRATE_DATA', 6: 'DISCONNECTING'}
CLIENT_ALL = {4: 'MIGRATE_FLUSH_MARK', 5: 'MIGRATE_DATA', 6: 'DISCONNECTING'}
SERVER_MAIN = {101: 'MIGRATE_BEGIN', 102: 'MIGRATE_CANCEL', 103: 'INIT', 104: 'CHANNELS_LIST',
               111: 'MIGRATE_SWITCH_HOST', 112: 'MIGRATE_END', 116: 'MIGRATE_BEGIN_SEAMLESS',
               117: 'MIGRATE_DST_SEAMLESS_ACK', 118: 'MIGRATE_DST_SEAMLESS_NACK'}
CLIENT_MAIN = {102: 'MIGRATE_CONNECTED', 103: 'MIGRATE_CONNECT_ERROR', 104: 'ATTACH_CHANNELS',
               109: 'MIGRATE_END', 110: 'MIGRATE_DST_DO_SEAMLESS', 111: 'MIGRATE_CONNECTED_SEAMLESS'}
PKI = '/etc/pki/libvirt-spice'
HOSTS = '/var/lib/lab/hosts'                        # a folder per host's address
PORTS = {'source': 17900, 'destination': 17902}     # TLS: one more

parser = argparse.ArgumentParser()
parser.add_argument('out')
parser.add_argument('server')
parser.add_argument('destination')
parser.add_argument('--tls', action='store_true')
parser.add_argument('--relay', default='pass', choices=('pass', 'rewrite', 'swallow', 'refuse'))
parser.add_argument('--caps', default='seamless', choices=('seamless', 'semi', 'none'))
parser.add_argument('--late', action='store_true')
parser.add_argument('--close', action='store_true')
parser.add_argument('--joined', action='store_true')
parser.add_argument('--no-client', action='store_true')
args = parser.parse_args()
os.makedirs(args.out, exist_ok=True)

# --- the record ---
start = time.time()
events = []


def note(what, **more):
    events.append((time.time(), what, more))
    print('%8.3f %s %s' % (time.time() - start, what, str(more)[:200]), flush=True)


# --- OpenStack ---
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
NOVA = {}


def call(method, path, body=None, version='2.99'):
    headers = {'Content-Type': 'application/json', 'Accept': 'application/json',
               'OpenStack-API-Version': 'compute ' + version}
    if NOVA:
        headers['X-Auth-Token'] = NOVA['token']
    request = urllib.request.Request(
        path if path.startswith('http') else NOVA['url'] + path, method=method, headers=headers,
        data=None if body is None else json.dumps(body).encode())
    try:
        reply = opener.open(request)
    except urllib.error.HTTPError as error:
        reply = error
    text = reply.read().decode()
    return reply.status, json.loads(text) if text.startswith('{') else text, reply.headers


def login():
    env = os.environ
    _, body, headers = call('POST', env['OS_AUTH_URL'] + '/auth/tokens', {'auth': {
        'identity': {'methods': ['password'], 'password': {'user': {
            'name': env['OS_USERNAME'], 'domain': {'id': 'default'}, 'password': env['OS_PASSWORD']}}},
        'scope': {'project': {'name': env['OS_PROJECT_NAME'], 'domain': {'id': 'default'}}}}})
    NOVA.update(token=headers['X-Subject-Token'], url=next(
        e['url'] for s in body['token']['catalog'] if s['type'] == 'compute'
        for e in s['endpoints'] if e['interface'] == 'public'))


def server_now():
    s = call('GET', '/servers/' + args.server)[1]['server']
    return {'status': s['status'], 'task_state': s['OS-EXT-STS:task_state'], 'host': s['OS-EXT-SRV-ATTR:host']}


def new_console():
    status, body, _ = call('POST', '/servers/%s/remote-consoles' % args.server,
                           {'remote_console': {'protocol': 'spice', 'type': 'spice-direct'}})
    if status != 200:
        return None, {'status': status, 'body': body}
    return body['remote_console']['url'].split('token=')[1], {'status': status}


def look_up(token):
    status, body, _ = call('GET', '/os-console-auth-tokens/' + token)
    return {'status': status, 'body': body}


# --- the relay ---
class Stream:
    """One direction of a connection, cut into messages."""

    def __init__(self, link, from_client):
        self.link, self.from_client = link, from_client
        self.buffer, self.state = b'', 'link'
        self.counts = collections.Counter()

    def feed(self, data):
        """The complete messages to pass on."""
        self.buffer += data
        out = []
        while True:
            size = self.size()
            if size is None or len(self.buffer) < size:
                return out
            message, self.buffer = self.buffer[:size], self.buffer[size:]
            out.append(self.one(message))

    def size(self):
        b = self.buffer
        if self.state == 'link':
            return 16 + struct.unpack_from('<I', b, 12)[0] if len(b) >= 16 else None
        if self.state == 'auth':
            return 132 if self.from_client else 4
        if self.state == 'messages' and self.link.mini is None:
            return None
        if self.link.mini:
            return 6 + struct.unpack_from('<I', b, 2)[0] if len(b) >= 6 else None
        return 18 + struct.unpack_from('<I', b, 10)[0] if len(b) >= 18 else None

    def one(self, message):
        link = self.link
        if self.state == 'link':
            self.state = 'auth'
            return link.link_message(message) if self.from_client else link.link_reply(message)
        if self.state == 'auth':
            self.state = 'messages'
            if not self.from_client:
                note('link result', **link.name, result=struct.unpack('<I', message)[0])
            return message
        if link.mini:
            kind, body = struct.unpack_from('<H', message)[0], message[6:]
        else:
            kind, body = struct.unpack_from('<H', message, 8)[0], message[18:]
        self.counts[kind] += 1
        names = dict(CLIENT_ALL if self.from_client else SERVER_ALL)
        if link.channel == 'main':
            names.update(CLIENT_MAIN if self.from_client else SERVER_MAIN)
        if kind not in names:
            return message
        more = {'hex': body.hex()} if len(body) <= 512 else {'start': body[:64].hex()}
        if kind in (101, 111, 116) and link.channel == 'main' and not self.from_client:
            more.update(destination(body))
        note('message', **link.name, direction='client->server' if self.from_client else 'server->client',
             type=kind, message=names[kind], size=len(body), **more)
        if link.channel == 'main' and link.relay.where == 'source':
            if not self.from_client:
                return link.edit(kind, message, body)
            if args.late and kind in (102, 111):
                asyncio.get_running_loop().call_later(3, link.late, message)
                return b''
        return message


def destination(body):
    port, sport, host_size, host_at, subject_size, subject_at = struct.unpack_from('<HHIIII', body)
    return {'port': port, 'tls_port': sport, 'host': body[host_at:host_at + host_size].decode(),
            'cert_subject': body[subject_at:subject_at + subject_size].decode() if subject_size else None,
            'src_mig_version': struct.unpack_from('<I', body, 20)[0] if host_at >= 24 else None}


class Link:
    """One client connection and its connection to QEMU."""

    def __init__(self, relay, number):
        self.relay, self.mini, self.channel = relay, None, '?'
        self.name = {'relay': relay.where, 'connection': number}
        self.up, self.down = Stream(self, True), Stream(self, False)

    def link_message(self, m):
        connection_id, kind, number, common, channel, at = struct.unpack_from('<IBBIII', m, 16)
        self.channel = CHANNELS.get(kind, str(kind))
        self.name['channel'] = '%s:%d' % (self.channel, number)
        words = list(struct.unpack_from('<%dI' % (common + channel), m, 16 + at))
        self.client_common = words[0] if common else 0
        if kind == 1 and channel:
            keep = {'seamless': 0xffffffff, 'semi': ~8 & 0xffffffff, 'none': ~9 & 0xffffffff}[args.caps]
            where = 16 + at + 4 * common
            m = m[:where] + struct.pack('<I', words[common] & keep) + m[where + 4:]
            words[common] &= keep
        note('link', **self.name, connection_id='%#x' % connection_id,
             channel_caps=['%#x' % w for w in words[common:]])
        return m

    def link_reply(self, m):
        common, _, at = struct.unpack_from('<III', m, 16 + 4 + 162)
        word = struct.unpack_from('<I', m, 16 + at)[0] if common else 0
        self.mini = bool(word & self.client_common & 8)
        return m

    def edit(self, kind, message, body):
        mode = args.relay
        begin = kind in (101, 116)
        if mode == 'pass' or not (begin or kind in (111, 112, 102)):
            return message
        if begin or kind == 111:
            self.relay.other.target = destination(body)
        if mode == 'swallow':
            note('relay kept the message', **self.name, type=kind)
            return b''
        if mode == 'refuse' and begin:
            self.send_up(103)
            return b''
        if kind == 111 and args.close:
            for link in self.relay.other.links:
                note('relay closed', **link.name)
                link.to_qemu.close()
                link.to_client.close()
        if begin or kind == 111:
            return self.frame(message, self.rewritten(kind, body))
        return message

    def rewritten(self, kind, body):
        port = PORTS['destination']
        host, subject = b'127.0.0.1\0', (b'O=lab,CN=relay\0' if args.tls else b'')
        tail = struct.pack('<I', struct.unpack_from('<I', body, 20)[0]) if kind == 116 else b''
        at = 20 + len(tail)
        new = struct.pack('<HHIIII', 0 if args.tls else port, port + 1 if args.tls else 0, len(host), at,
                          len(subject), at + len(host) if subject else 0) + tail + host + subject
        note('relay rewrote the message', **self.name, type=kind, hex=new.hex(), **destination(new))
        return new

    def frame(self, old, body):
        if self.mini:
            return old[:2] + struct.pack('<I', len(body)) + body
        return old[:10] + struct.pack('<I', len(body)) + old[14:18] + body

    def late(self, message):
        note('relay sent the late message', **self.name, type=struct.unpack_from('<H', message, 0 if self.mini else 8)[0])
        self.to_qemu.write(message)

    def send_up(self, kind):
        head = struct.pack('<HI', kind, 0) if self.mini else struct.pack('<QHII', 99999, kind, 0, 0)
        self.to_qemu.write(head)
        note('relay answered', **self.name, type=kind, message=CLIENT_MAIN[kind])


class Relay:
    count = 0

    def __init__(self, where, target):
        self.where, self.target, self.other, self.links = where, target, None, []

    async def listen(self, tls):
        self.tls = tls
        await asyncio.start_server(self.accept, '127.0.0.1', PORTS[self.where] + bool(tls), ssl=tls)

    async def accept(self, reader, writer):
        Relay.count += 1
        link = Link(self, Relay.count)
        self.links.append(link)
        if args.late and self.where == 'destination':
            await asyncio.sleep(0.1)
        port = self.target['tls_port' if self.tls else 'port']
        note('connected', **link.name, to='%s:%s' % (self.target['host'].rstrip('\0'), port))
        context = None
        if self.tls:
            context = ssl.create_default_context(cafile=PKI + '/ca-cert.pem')
            context.check_hostname = False
        try:
            far_reader, far_writer = await asyncio.open_connection(
                self.target['host'].rstrip('\0'), port, ssl=context)
        except OSError as error:
            note('QEMU refused', **link.name, error=str(error))
            writer.close()
            return
        link.to_qemu, link.to_client = far_writer, writer

        async def pump(source, sink, stream, who):
            why = 'end of file'
            try:
                while data := await source.read(65536):
                    messages = stream.feed(data)
                    for piece in [b''.join(messages)] if args.joined else messages:
                        sink.write(piece)       # over TLS: one record
                    await sink.drain()
            except OSError as error:
                why = str(error)
            if not link.name.get('closed'):
                link.name['closed'] = True
                more = {k: v for k, v in link.name.items() if k != 'closed'}
                note('closed by ' + who, **more, why=why,
                     from_client=dict(link.up.counts), from_server=dict(link.down.counts))
            sink.close()
        await asyncio.gather(pump(reader, far_writer, link.up, 'client'),
                             pump(far_reader, writer, link.down, 'server'))


def certificate(folder):
    def openssl(*words):
        subprocess.run(('openssl',) + words, check=True, stderr=subprocess.DEVNULL, cwd=folder)
    with open(folder + '/ext', 'w') as f:
        f.write('subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n')
    openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/O=lab/CN=relay', '-keyout', 'key.pem', '-out', 'csr.pem')
    openssl('x509', '-req', '-in', 'csr.pem', '-CA', PKI + '/ca-cert.pem', '-CAkey', PKI + '/ca-key.pem',
            '-set_serial', '77', '-days', '30', '-extfile', 'ext', '-out', 'cert.pem')
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder + '/cert.pem', folder + '/key.pem')
    return context


# --- the client ---
def client(folder):
    read, write = os.pipe()
    xvfb = subprocess.Popen(['Xvfb', '-displayfd', str(write), '-screen', '0', '1024x768x24', '-nolisten', 'tcp'],
                            pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    display = ':' + os.read(read, 20).decode().strip()
    with open(PKI + '/ca-cert.pem') as f:
        ca = f.read().replace('\n', '\\n')
    lines = ['[virt-viewer]', 'type=spice', 'host=127.0.0.1', 'delete-this-file=0', 'title=migration']
    if args.tls:
        lines += ['tls-port=%d' % (PORTS['source'] + 1), 'ca=' + ca, 'host-subject=O=lab,CN=relay']
    else:
        lines += ['port=%d' % PORTS['source'], 'ca=' + ca]
    with open(folder + '/console.vv', 'w') as f:
        f.write('\n'.join(lines) + '\n')
    log = open(args.out + '/remote-viewer.log', 'w')
    viewer = subprocess.Popen(
        ['remote-viewer', folder + '/console.vv'], stdout=log, stderr=subprocess.STDOUT,
        env={'PATH': '/usr/bin:/bin', 'HOME': folder, 'DISPLAY': display, 'GDK_BACKEND': 'x11', 'LANG': 'C.UTF-8',
             'SPICE_DEBUG': '1', 'G_MESSAGES_DEBUG': 'GSpice', 'NO_AT_BRIDGE': '1', 'XDG_RUNTIME_DIR': folder,
             'LIBGL_ALWAYS_SOFTWARE': '1'})
    return xvfb, viewer


def connections(pid):
    """Peers of the client's TCP connections, and how many."""
    text = subprocess.run(['ss', '-tnpH'], capture_output=True, text=True).stdout
    return dict(sorted(collections.Counter(
        line.split()[4] for line in text.splitlines() if 'pid=%d,' % pid in line).items()))


# --- QEMU's own account, from both hosts ---
async def qemu_events(host, uri):
    virsh = await asyncio.create_subprocess_exec(
        'virsh', '-c', uri, 'qemu-monitor-event', '--loop', stdout=asyncio.subprocess.PIPE)

    async def read():
        while line := (await virsh.stdout.readline()).decode():
            m = re.match(r"event (\S+) at (\d+)\.(\d+) for domain '?([^':]+)'?: (.*)", line)
            if m and m[1] not in ('RTC_CHANGE', 'NIC_RX_FILTER_CHANGED'):
                when = int(m[2]) + int(m[3]) / 1e6
                data = json.loads(m[5]) if m[5].startswith('{') else None
                events.append((when, 'QEMU event', {'on': host, 'domain': m[4], 'name': m[1], 'data': data}))
    asyncio.create_task(read())
    return virsh


async def main():
    folder = tempfile.mkdtemp(prefix='capture-migration-')
    login()
    for _ in range(4):                      # the end of an earlier migration deletes all tokens
        token, _ = new_console()
        await asyncio.sleep(6)
        first = look_up(token)
        if first['status'] == 200:
            break
    where = first['body']['console']
    before = server_now()
    note('before', server=before, console=where)
    source, far = Relay('source', where), Relay('destination', {})
    source.other = far
    tls = certificate(folder) if args.tls else None
    for relay in (source, far):
        await relay.listen(tls)

    os.makedirs(args.out + '/notifications', exist_ok=True)
    listener = await asyncio.create_subprocess_exec(
        'notifications.py', 'listen', args.out + '/notifications', stdout=asyncio.subprocess.PIPE)

    async def notifications():
        while line := await listener.stdout.readline():
            name = line.decode().strip()
            if name == 'listening':
                continue
            with open(args.out + '/notifications/' + name) as f:
                decoded = json.load(f)['decoded']
            data = decoded['payload'].get('nova_object.data', decoded['payload'])
            if '-versioned-' in name:
                note('notification', name=name, publisher=decoded['publisher_id'], host=data.get('host'),
                     task_state=data.get('task_state', data.get('state_update', {}).get('nova_object.data', {}).get('new_task_state')))
    asyncio.create_task(notifications())

    watchers = []
    for address in sorted(os.listdir(HOSTS)):
        socket = HOSTS + '/' + address + '/libvirt-sock'
        if not os.path.exists(socket):              # this host itself
            socket = '/run/libvirt/libvirt-sock'
        watchers.append(await qemu_events(address, 'qemu+unix:///system?socket=' + socket))

    viewer = None
    if not args.no_client:
        xvfb, viewer = client(folder)
        for _ in range(200):
            await asyncio.sleep(0.1)
            if len(source.links) >= 4:
                break
        await asyncio.sleep(3)
        note('client connected', channels=sorted(l.name['channel'] for l in source.links),
             connections=connections(viewer.pid))

    global start
    start = time.time()
    status, body, headers = await asyncio.to_thread(
        call, 'POST', '/servers/%s/action' % args.server,
        {'os-migrateLive': {'host': args.destination, 'block_migration': 'auto'}})
    note('API: os-migrateLive', status=status, body=body)
    if status != 202:
        for process in watchers + [listener] + ([viewer, xvfb] if viewer else []):
            process.terminate()
        raise SystemExit('not migrated')
    end, seen, checked, asked = time.time() + 180, None, None, False
    settled = gone = had = second = second_checked = None
    while time.time() < end:
        now = await asyncio.to_thread(server_now)
        if now != seen:
            seen = now
            note('API: server', **now)
        valid = (await asyncio.to_thread(look_up, token))
        brief = (valid['status'], json.dumps(valid['body']))
        if brief != checked:
            checked = brief
            note('API: token look-up', **valid)
        if now['task_state'] == 'migrating' and not asked:
            asked = True
            note('API: new console while migrating', **(await asyncio.to_thread(new_console))[1])
        if viewer:
            peers = connections(viewer.pid)
            if peers != had:
                had = peers
                note('client connections', **peers)
        if valid['status'] != 200 and gone is None:
            gone = time.time()
        if settled is None and now['task_state'] is None and (now['host'] != before['host'] or now['status'] == 'ERROR'):
            settled = time.time()
            second, answer = await asyncio.to_thread(new_console)
            note('API: new console at once', **answer)
        if second:
            answer = await asyncio.to_thread(look_up, second)
            if answer != second_checked:
                second_checked = answer
                note('API: look-up of that second token', **answer)
        if settled and time.time() > (gone + 4 if gone else settled + 30):
            break
        await asyncio.sleep(0.1)
    after, answer = new_console()
    after = look_up(after) if after else answer
    note('API: new console afterwards', **after)
    result = {'options': {k: v for k, v in vars(args).items() if k != 'out'}, 'before': before, 'after': server_now(), 'console_before': where,
              'console_after': after['body'], 'first_token_now': look_up(token)}
    if viewer:
        result['client'] = {'still_running': viewer.poll() is None, 'connections': connections(viewer.pid)}
        note('client afterwards', **result['client'])
        viewer.terminate()
        viewer.wait()
        xvfb.terminate()
        xvfb.wait()
    for process in watchers + [listener]:
        process.terminate()
        await process.wait()
    await asyncio.sleep(0.5)
    with open(args.out + '/timeline.jsonl', 'w') as f:
        for when, what, more in sorted(events, key=lambda event: event[0]):
            f.write(json.dumps(dict(t=round(when - start, 3), event=what, **more)) + '\n')
    with open(args.out + '/result.json', 'w') as f:
        json.dump(result, f, indent=1)
    print(json.dumps(result, indent=1))

asyncio.run(main())
