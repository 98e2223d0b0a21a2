# SPDX-License-Identifier: Apache-2.0
"""The audit trail."""

from osc_lib.command import command

from kerbsideclient.osc.v1.command import add_filter_options, add_page_options, filters, moment, searched, table

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
#: The minor version of the service that knows whose session an event is about.
USERS = 2
ASKERS = ("user", "operator", "notification", "service")


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
        parser.add_argument("--since", metavar="<time>", type=moment, help="Only those since this time (ISO 8601)")
        parser.add_argument("--until", metavar="<time>", type=moment, help="Only those before this time (ISO 8601)")
        parser.add_argument(
            "--requested-by",
            choices=ASKERS,
            help="Only what was asked for by a user, an operator at a command line, a notification of Nova, or "
            "Kerbside itself",
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
        search = searched(
            {"since": parsed_args.since, "until": parsed_args.until, "requested_by": parsed_args.requested_by}
        )
        search["needs"] = max(search["needs"], USERS if any(narrowed.values()) else 0)
        events = client.audit_events(**query, **narrowed, **search)
        return table(LONG_COLUMNS if parsed_args.long else COLUMNS, events)
