# SPDX-License-Identifier: Apache-2.0
"""Sessions: who has, or may begin, a session at which desktop."""

from itertools import islice

from osc_lib import exceptions
from osc_lib.cli.format_columns import ListDictColumn
from osc_lib.command import command

from kerbsideclient.osc.v1.command import (
    add_filter_options,
    add_page_options,
    add_sort_option,
    faults,
    filters,
    searched,
    table,
)

COLUMNS = (
    ("ID", "id"),
    ("Server", "name"),
    ("State", "state"),
    ("Issued To", "issued_to"),
    ("Created At", "created_at"),
)
LONG_COLUMNS = COLUMNS + (
    ("Server ID", "instance_uuid"),
    ("Source", "source"),
    ("Project ID", "project_id"),
    ("Expires At", "expires_at"),
    ("Closed At", "closed_at"),
    ("Reason", "reason"),
)
CHANNELS = ("channel", "channel_id", "state", "client_ip", "created_at", "bytes_up", "bytes_down")
#: States of a session that is over or about to be.
ENDED = ("closing", "closed")
STATES = ("pending", "active", "migrating", *ENDED)


class ListSessions(command.Lister):
    """List sessions at desktops"""

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        add_filter_options(parser)
        parser.add_argument("--name", metavar="<part>", help="Only those of servers whose name contains this")
        parser.add_argument("--user", metavar="<user>", help="Only those of this user (name)")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--all", action="store_true", help="List those that have ended within the last day too")
        which.add_argument(
            "--state", choices=STATES, help="Only those in this state; active: also those whose server is being moved"
        )
        add_sort_option(parser, ("created_at", "id"), "created_at:desc")
        parser.add_argument("--long", action="store_true", help="Show more columns")
        add_page_options(parser)
        return parser

    def take_action(self, parsed_args):
        client = self.app.client_manager.kerbside
        search = {
            "name~": parsed_args.name,
            "state": parsed_args.state,
            "user": parsed_args.user,
            "sort": parsed_args.sort,
        }
        query = {**filters(self.app.client_manager, parsed_args), **searched(search)}
        columns = LONG_COLUMNS if parsed_args.long else COLUMNS
        if parsed_args.all or parsed_args.state:
            return table(columns, client.sessions(**query))
        # Those that have ended are left out here, so that the limit is one of what is shown.
        limit = query.pop("limit")
        live = (entry for entry in client.sessions(**query) if entry["state"] not in ENDED)
        return table(columns, islice(live, limit))


class ShowSession(command.ShowOne):
    """Show a session and its channels"""

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        parser.add_argument("session", metavar="<session>", help="ID of the session")
        return parser

    def take_action(self, parsed_args):
        client = self.app.client_manager.kerbside
        with faults():
            session = client.session(parsed_args.session)
            channels = list(client.connections(session_id=parsed_args.session))
        session.pop("links", None)
        session["channels"] = ListDictColumn([{key: channel[key] for key in CHANNELS} for channel in channels])
        return self.dict2columns(session)


class EndSession(command.Command):
    """End sessions for good: their channels close, their passwords are worth nothing"""

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        parser.add_argument("session", metavar="<session>", nargs="+", help="ID of a session")
        return parser

    def take_action(self, parsed_args):
        client = self.app.client_manager.kerbside
        failed = 0
        for session in parsed_args.session:
            try:
                with faults():
                    client.end_session(session)
            except exceptions.CommandError as error:
                failed += 1
                self.log.error("session %s: %s", session, error)
        if failed:
            raise exceptions.CommandError(f"{failed} of {len(parsed_args.session)} sessions could not be ended")
