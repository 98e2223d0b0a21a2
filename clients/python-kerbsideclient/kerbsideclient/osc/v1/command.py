# SPDX-License-Identifier: Apache-2.0
"""What all commands of this plugin do alike: faults become one sentence, listings have the same options."""

import argparse
import contextlib
import re
from datetime import datetime, timezone

from keystoneauth1 import exceptions as keystone
from openstack import exceptions as sdk
from osc_lib import exceptions

from kerbsideclient.client import explain

#: The minor version of the service that searches came with.
SEARCHES = 3
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


def moment(text):
    """Read a time in ISO 8601, of the user's time zone where it names none; give it in UTC."""
    try:
        time = datetime.fromisoformat(re.sub("[Zz]$", "+00:00", text)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-01-31 or 2026-01-31T12:00") from None
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def order(keys):
    """Give what reads an order such as ``name`` or ``name:desc``.

    :param keys: what may be sorted by
    """

    def read(text):
        key, _, direction = text.partition(":")
        if key not in keys or direction not in ("", "asc", "desc") or text.endswith(":"):
            raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(keys)}, with :asc or :desc behind it")
        return text

    return read


def add_sort_option(parser, keys, default):
    """Add --sort.

    :param keys: what may be sorted by
    :param default: the order of a search without it
    """
    parser.add_argument(
        "--sort",
        metavar="<key>[:<direction>]",
        type=order(keys),
        help=f"Sort by {' or '.join(keys)}, asc or desc (default of a search: {default})",
    )


def add_page_options(parser, group=None, default="all"):
    """Add --limit and --marker.

    :param group: of the parser, which --limit is put into; None for the parser itself
    :param default: what is listed without --limit, in words
    """
    limit = parser if group is None else group
    limit.add_argument("--limit", metavar="<limit>", type=positive, help=f"List at most so many (default: {default})")
    parser.add_argument("--marker", metavar="<id>", help="List what comes after this one, the last of another listing")


def add_filter_options(parser):
    """Add the filters that desktops, sessions and audit events have."""
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


def searched(search):
    """Give a search as the query of a listing, with the version that it needs."""
    return {**search, "needs": SEARCHES if any(search.values()) else 0}


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
