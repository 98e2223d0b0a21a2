# SPDX-License-Identifier: Apache-2.0
"""Sources: the platforms that desktops come from."""

from osc_lib.command import command

from kerbsideclient.osc.v1.command import add_page_options, table

COLUMNS = (
    ("Name", "name"),
    ("Type", "type"),
    ("URL", "url"),
    ("Errored", "errored"),
    ("Error", "error"),
    ("Last Seen At", "last_seen_at"),
)


class ListSources(command.Lister):
    """List the platforms that desktops come from (operators only)"""

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        add_page_options(parser)
        return parser

    def take_action(self, parsed_args):
        client = self.app.client_manager.kerbside
        return table(COLUMNS, client.sources(limit=parsed_args.limit, marker=parsed_args.marker))
