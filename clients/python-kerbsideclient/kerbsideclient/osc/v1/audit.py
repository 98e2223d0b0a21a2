# SPDX-License-Identifier: Apache-2.0
"""The audit trail."""

from osc_lib import exceptions
from osc_lib.command import command

from kerbsideclient.osc.v1.command import add_filter_options, add_page_options, filters, table

COLUMNS = (
    ("ID", "id"),
    ("Created At", "created_at"),
    ("Source", "source"),
    ("Server ID", "instance_uuid"),
    ("Session ID", "session_id"),
    ("Channel", "channel"),
    ("Issued To", "issued_to"),
    ("Client IP", "client_ip"),
    ("Request User", "request_user"),
    ("Message", "message"),
)
LONG_COLUMNS = COLUMNS + (
    ("Project ID", "project_id"),
    ("Node", "node"),
    ("PID", "pid"),
    ("Service", "service"),
    ("Requested By", "requested_by"),
    ("Request User ID", "request_user_id"),
    ("Request ID", "request_id"),
    ("Request IP", "request_ip"),
)
DEFAULT_LIMIT = 100


class ListAuditEvents(command.Lister):
    """List the audit trail: what happened to whom, from where and by whom; newest first (operators only)"""

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        add_filter_options(parser)
        parser.add_argument("--session", metavar="<session>", help="Only those of this session (ID)")
        parser.add_argument(
            "--user",
            metavar="<user>",
            help="Only those of the sessions of this user, and what this user has asked for (name)",
        )
        parser.add_argument("--long", action="store_true", help="Show more columns")
        many = parser.add_mutually_exclusive_group()
        many.add_argument("--all", action="store_true", help="List all events")
        add_page_options(parser, many, default=f"{DEFAULT_LIMIT}, the newest")
        return parser

    def take_action(self, parsed_args):
        client = self.app.client_manager.kerbside
        query = filters(self.app.client_manager, parsed_args)
        if query["limit"] is None and not parsed_args.all:
            query["limit"] = DEFAULT_LIMIT
        narrowed = {"session_id": parsed_args.session, "user": parsed_args.user}
        events = client.audit_events(**query, **narrowed)
        if any(narrowed.values()):
            events = of_new_service(events)
        return table(LONG_COLUMNS if parsed_args.long else COLUMNS, events)


def of_new_service(events):
    """Yield events of a service that knows of sessions and users; another one has left the filters unread."""
    for event in events:
        if "issued_to" not in event:
            raise exceptions.CommandError("--session and --user need version 1.2 of the console service")
        yield event
