# SPDX-License-Identifier: Apache-2.0
"""What all commands of this plugin do alike: faults become one sentence, listings have the same options."""

import argparse
import contextlib
import re

from keystoneauth1 import exceptions as keystone
from openstack import exceptions as sdk
from osc_lib import exceptions

from kerbsideclient.client import explain

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@contextlib.contextmanager
def faults():
    """Turn faults of the service, and of the way to it, into a CommandError."""
    try:
        yield
    except (keystone.ClientException, keystone.DiscoveryFailure) as error:
        raise exceptions.CommandError(explain(error)) from error


def positive(text):
    """Read a number of at least one."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return number


def add_page_options(parser, group=None, default="all"):
    """Add --limit and --marker.

    :param group: of the parser, which --limit is put into; None for the parser itself
    :param default: what is listed without --limit, in words
    """
    limit = parser if group is None else group
    limit.add_argument("--limit", metavar="<limit>", type=positive, help=f"List at most so many (default: {default})")
    parser.add_argument("--marker", metavar="<id>", help="List what comes after this one, the last of another listing")


def add_filter_options(parser):
    """Add the filters that sessions and audit events have."""
    parser.add_argument("--project", metavar="<project-id>", help="Only those of this project")
    parser.add_argument("--source", metavar="<source>", help="Only those of this source")
    parser.add_argument("--server", metavar="<server>", help="Only those of this server (name or ID)")


def find_server(client_manager, name_or_id):
    """Give the ID of a server. An ID stays as it is: Nova may have forgotten the server, or never known it.

    :raises CommandError: when there is none, or more than one of that name
    """
    if UUID.fullmatch(name_or_id):
        return name_or_id.lower()
    try:
        return client_manager.sdk_connection.compute.find_server(name_or_id, ignore_missing=False).id
    except (sdk.SDKException, keystone.ClientException) as error:
        raise exceptions.CommandError(f"{error}") from error


def filters(client_manager, parsed_args):
    """Give the filters and page options of a command as the query of a listing."""
    server = parsed_args.server
    return {
        "project_id": parsed_args.project,
        "source": parsed_args.source,
        "instance_uuid": None if server is None else find_server(client_manager, server),
        "limit": parsed_args.limit,
        "marker": parsed_args.marker,
    }


def rows(columns, entries):
    """Give headers and rows of a table.

    :param columns: (header, key) pairs
    """
    return (
        tuple(header for header, _ in columns),
        (tuple(entry.get(key) for _, key in columns) for entry in entries),
    )


def table(columns, entries):
    """Give a whole table; faults of every page become a CommandError."""
    with faults():
        return rows(columns, list(entries))
