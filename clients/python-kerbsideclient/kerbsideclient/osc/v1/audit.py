# SPDX-License-Identifier: Apache-2.0
"""The audit trail."""

from osc_lib.command import command

from kerbsideclient.osc.v1.command import add_filter_options, add_page_options, filters, table

COLUMNS = (
    ("ID", "id"),
    ("Created At", "created_at"),
    ("Source", "source"),
    ("Server ID", "instance_uuid"),
    ("Session", "session_id"),
    ("Channel", "channel"),
    ("Message", "message"),
)
DEFAULT_LIMIT = 100


class ListAuditEvents(command.Lister):
    """List the audit trail, newest first (operators only)"""

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        add_filter_options(parser)
        add_page_options(parser)
        parser.add_argument("--all", action="store_true", help=f"List all events, not only the newest {DEFAULT_LIMIT}")
        return parser

    def take_action(self, parsed_args):
        client = self.app.client_manager.kerbside
        query = filters(self.app.client_manager, parsed_args)
        if query["limit"] is None and not parsed_args.all:
            query["limit"] = DEFAULT_LIMIT
        return table(COLUMNS, client.audit_events(**query))
