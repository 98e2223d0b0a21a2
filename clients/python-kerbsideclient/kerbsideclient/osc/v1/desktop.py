# SPDX-License-Identifier: Apache-2.0
"""A desktop on this screen: remote-viewer with a .vv file, or a browser."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import webbrowser

from keystoneauth1 import exceptions as keystone
from openstack import exceptions as sdk
from osc_lib import exceptions
from osc_lib.command import command

from kerbsideclient.osc.v1.command import faults, find_server

VIEWER = "remote-viewer"
#: The first microversion of Nova in which the URL is asked for so; every Nova since Mitaka has it.
REMOTE_CONSOLES = "2.6"
#: What ends the command beside Ctrl-C: a closed terminal window, and whoever tells it to end.
ENDINGS = (signal.SIGHUP, signal.SIGTERM)


class OpenDesktop(command.Command):
    """Open the desktop of a server on this screen"""

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        parser.add_argument("server", metavar="<server>", help="Server (name or ID)")
        parser.add_argument("--source", metavar="<source>", help="Source of the server, where several know it")
        way = parser.add_mutually_exclusive_group()
        way.add_argument(
            "--save",
            metavar="<file>",
            help="Write the .vv file and start nothing; - is standard output. It holds a password that works once and "
            "expires soon",
        )
        way.add_argument("--html5", action="store_true", help="Open the desktop in a browser")
        way.add_argument(
            "--viewer", metavar="<program>", default=VIEWER, help=f"Program that opens .vv files (default: {VIEWER})"
        )
        return parser

    def take_action(self, parsed_args):
        if parsed_args.html5 and parsed_args.source is not None:
            raise exceptions.CommandError("--source goes with .vv files; the browser's URL comes from Nova")
        server = find_server(self.app.client_manager, parsed_args.server)
        if parsed_args.html5:
            self._browse(server)
            return
        viewer = None if parsed_args.save else find_program(parsed_args.viewer)
        with faults():
            vv_file = self.app.client_manager.kerbside.desktop(server, parsed_args.source)
        if viewer is None:
            save(parsed_args.save, vv_file)
        else:
            view(viewer, vv_file)

    def _browse(self, server):
        """Nova makes the URL: its html5proxy_base_url leads to Kerbside."""
        compute = self.app.client_manager.sdk_connection.compute
        body = {"remote_console": {"protocol": "spice", "type": "spice-html5"}}
        try:
            answer = compute.post(f"/servers/{server}/remote-consoles", json=body, microversion=REMOTE_CONSOLES)
            sdk.raise_from_response(answer)
            url = answer.json()["remote_console"]["url"]
        except (sdk.SDKException, keystone.ClientException, KeyError, TypeError, ValueError) as error:
            raise exceptions.CommandError(f"Nova has no console for a browser: {error}") from error
        if not url.startswith(("http://", "https://")):
            raise exceptions.CommandError("Nova's html5proxy_base_url is none that a browser opens")
        if not webbrowser.open(url):
            raise exceptions.CommandError("there is no browser to open; see the BROWSER environment variable")


def find_program(name):
    """Give the path of a program.

    :raises CommandError: when it is not installed
    """
    path = shutil.which(name)
    if path is None:
        raise exceptions.CommandError(
            f"{name} is not installed; install it (Debian, Fedora: package virt-viewer), name another program with "
            "--viewer, or use --save or --html5"
        )
    return path


def save(path, vv_file):
    """Write the file for its owner alone."""
    if path == "-":
        sys.stdout.buffer.write(vv_file)
        sys.stdout.buffer.flush()
        return
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            with open(path, "wb") as file:  # a pipe or a terminal: to be written to, not to be replaced
                file.write(vv_file)
        else:
            put(path, vv_file)
    except OSError as error:
        raise exceptions.CommandError(f"{path} cannot be written: {error.strerror}") from error


def put(path, vv_file):
    """Make a file anew, whatever was there: an old one may be readable for others. Leave nothing else behind."""
    handle, fresh = tempfile.mkstemp(prefix=".kerbside-", dir=os.path.dirname(os.path.abspath(path)))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(vv_file)
        os.replace(fresh, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(fresh)
        raise


@contextlib.contextmanager
def orderly_end():
    """Have signals end the command as Ctrl-C does, so that it cleans up; those that are ignored stay ignored."""

    def interrupt(_number, _frame):
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in ENDINGS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def view(viewer, vv_file):
    """Run the viewer until the user closes it.

    :raises CommandError: when it fails
    """
    with orderly_end(), tempfile.TemporaryDirectory(prefix="kerbside-") as folder:
        path = os.path.join(folder, "console.vv")
        save(path, vv_file)
        try:
            status = subprocess.run([viewer, path], check=False).returncode
        except OSError as error:
            raise exceptions.CommandError(f"{viewer} cannot be run: {error.strerror}") from error
    if status != 0:
        raise exceptions.CommandError(f"{os.path.basename(viewer)} ended with status {status}")
