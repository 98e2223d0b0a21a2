# SPDX-License-Identifier: Apache-2.0
"""The audit trail."""

from osc_lib.command import command

from kerbsideclient.osc.v1.command import add_filter_options, add_page_options, filters, table

COLUMNS = (
    ("ID", "id"),
    ("Created At", "created_at"),
    ("Source", "source"),
    ("Server ID", "instance_uuid"),
    ("Session ID", "session_id"),
    ("Channel", "channel"),
    ("Message", "message"),
)
LONG_COLUMNS = COLUMNS + (
    ("Project ID", "project_id"),
    ("Node", "node"),
    ("PID", "pid"),
)
DEFAULT_LIMIT = 100


class ListAuditEvents(command.Lister):
    """List the audit trail, newest first (operators only)"""

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        add_filter_options(parser)
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
        return table(LONG_COLUMNS if parsed_args.long else COLUMNS, client.audit_events(**query))
