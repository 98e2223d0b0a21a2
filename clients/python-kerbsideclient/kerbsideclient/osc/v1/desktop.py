# SPDX-License-Identifier: Apache-2.0
"""A desktop on this screen: remote-viewer with a .vv file, or a browser."""

import os
import shutil
import subprocess
import sys
import tempfile
import webbrowser

from openstack import exceptions as sdk
from osc_lib import exceptions
from osc_lib.command import command

from kerbsideclient.osc.v1.command import faults, find_server

VIEWER = "remote-viewer"
#: The first microversion of Nova in which the URL is asked for so; every Nova since Mitaka has it.
REMOTE_CONSOLES = "2.6"


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
        except sdk.SDKException as error:
            raise exceptions.CommandError(f"Nova has no console for a browser: {error}") from error
        url = answer.json()["remote_console"]["url"]
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
        # Another file is made and put in its place: an old one may be readable for others.
        handle, fresh = tempfile.mkstemp(prefix=".kerbside-", dir=os.path.dirname(os.path.abspath(path)))
        with os.fdopen(handle, "wb") as file:
            file.write(vv_file)
        os.replace(fresh, path)
    except OSError as error:
        raise exceptions.CommandError(f"{path} cannot be written: {error.strerror}") from error


def view(viewer, vv_file):
    """Run the viewer until the user closes it.

    :raises CommandError: when it fails
    """
    with tempfile.TemporaryDirectory(prefix="kerbside-") as folder:
        path = os.path.join(folder, "console.vv")
        save(path, vv_file)
        status = subprocess.run([viewer, path], check=False).returncode
    if status != 0:
        raise exceptions.CommandError(f"{os.path.basename(viewer)} ended with status {status}")
