# SPDX-License-Identifier: Apache-2.0
"""What the openstack command needs to know of this plugin."""

import argparse
import os
import re

from kerbsideclient.client import Client

DEFAULT_API_VERSION = "1"
API_NAME = "kerbside"
API_VERSION_OPTION = "os_kerbside_api_version"
#: Major versions; which minor ones there are, the service says.
API_VERSIONS = {"1": "kerbsideclient.client.Client"}
VERSION = re.compile(r"1(\.(\d{1,4}|latest))?")


def check_api_version(version):
    """Whether a version is one that this plugin can ask for; the service decides about the minor one."""
    if VERSION.fullmatch(version) is None:
        raise argparse.ArgumentTypeError(f"{version!r} is no version of the console service: give 1, 1.N or 1.latest")
    return True


def microversion_of(version):
    """Give what goes into the header: ``1`` is ``1.0``, ``1.latest`` is ``latest``."""
    if version == "1":
        return "1.0"
    return "latest" if version == "1.latest" else version


def make_client(instance):
    """Give the client that commands find as ``client_manager.kerbside``."""
    version = instance._api_version[API_NAME]
    return Client(
        instance.session,
        microversion_of(version),
        region_name=instance.region_name,
        interface=instance.interface,
        pinned=version != DEFAULT_API_VERSION,
    )


def build_option_parser(parser):
    """Add the option of this plugin."""
    parser.add_argument(
        "--os-kerbside-api-version",
        metavar="<kerbside-api-version>",
        default=os.environ.get("OS_KERBSIDE_API_VERSION"),
        help="Version of the console service: 1, 1.N or 1.latest (default: 1, Env: OS_KERBSIDE_API_VERSION)",
    )
    return parser
