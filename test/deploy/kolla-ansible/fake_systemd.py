# SPDX-License-Identifier: Apache-2.0
"""Stands in for systemd on the system bus, where there is none: the few calls that Kolla-Ansible makes for a container.

A unit is its file in /etc/systemd/system; its ExecStart and ExecStop name podman's verb and the container, and that is
asked of podman's own socket. A container that ends by itself is not started again: the tests see that it ended.
"""

import http.client
import pathlib
import re
import socket
import sys
import threading

import dbus
import dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

INTERFACE = 'org.freedesktop.systemd1.Manager'
SOCKET = '/run/podman/podman.sock'
UNITS = pathlib.Path('/etc/systemd/system')


def ask_podman(verb, container, wait):
    """One verb of podman's API on a container; gives the HTTP status."""
    connection = http.client.HTTPConnection('localhost')
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(wait)
    connection.sock.connect(SOCKET)
    query = '?timeout=%d' % (wait - 10) if verb == 'stop' else ''
    connection.request('POST', '/v4.0.0/libpod/containers/%s/%s%s' % (container, verb, query))
    answer = connection.getresponse()
    body = answer.read().decode(errors='replace')
    print(verb, container, answer.status, body[:300], flush=True)
    return answer.status


class Manager(dbus.service.Object):
    """org.freedesktop.systemd1.Manager, as far as Kolla-Ansible needs it. Jobs run beside the bus, as systemd's do."""

    def __init__(self, bus):
        super().__init__(bus, '/org/freedesktop/systemd1')
        self.states = {}

    def run(self, unit, keys):
        text = (UNITS / unit).read_text()
        for key in keys:
            words = re.search('^%s=(.*)$' % key, text, re.M).group(1).split()
            container = next(w for w in words[2:] if not w.startswith('-') and not w.isdigit())
            timeout = int(words[words.index('-t') + 1]) if '-t' in words else 60
            status = ask_podman(words[1], container, timeout + 10)
            if words[1] == 'start':
                self.states[unit] = 'running' if status in (204, 304) else 'failed'
            else:
                self.states[unit] = 'dead'

    def job(self, unit, keys):
        self.states[unit] = 'start' if keys[-1] == 'ExecStart' else 'stop-sigterm'
        threading.Thread(target=self.run, args=(unit, keys), daemon=True).start()
        return '/org/freedesktop/systemd1/job/1'

    @dbus.service.method(INTERFACE, in_signature='ss', out_signature='o')
    def StartUnit(self, unit, mode):
        return self.job(str(unit), ['ExecStart'])

    @dbus.service.method(INTERFACE, in_signature='ss', out_signature='o')
    def StopUnit(self, unit, mode):
        return self.job(str(unit), ['ExecStop'])

    @dbus.service.method(INTERFACE, in_signature='ss', out_signature='o')
    def RestartUnit(self, unit, mode):
        return self.job(str(unit), ['ExecStop', 'ExecStart'])

    @dbus.service.method(INTERFACE)
    def Reload(self):
        pass

    @dbus.service.method(INTERFACE, in_signature='asbb', out_signature='ba(sss)')
    def EnableUnitFiles(self, files, runtime, force):
        return False, dbus.Array([], signature='(sss)')

    @dbus.service.method(INTERFACE, out_signature='a(ssssssouso)')
    def ListUnits(self):
        rows = [(u, u, 'loaded', 'active', s, '', '/u', 0, '', '/') for u, s in self.states.items()]
        return dbus.Array(rows, signature='(ssssssouso)')


DBusGMainLoop(set_as_default=True)
system_bus = dbus.SystemBus()
name = dbus.service.BusName('org.freedesktop.systemd1', system_bus)
manager = Manager(system_bus)
print('ready', file=sys.stderr, flush=True)
GLib.MainLoop().run()
