# SPDX-License-Identifier: Apache-2.0
"""The processes of Kerbside itself."""

from osc_lib import exceptions
from osc_lib.command import command

from kerbsideclient.osc.v1.command import add_page_options, table

COLUMNS = (
    ("Binary", "binary"),
    ("Host", "host"),
    ("State", "state"),
    ("Status", "status"),
    ("Version", "version"),
    ("Updated At", "updated_at"),
)


class ListServices(command.Lister):
    """List the processes of Kerbside (operators only; needs --os-kerbside-api-version 1.1 or later)"""

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        add_page_options(parser)
        return parser

    def take_action(self, parsed_args):
        client = self.app.client_manager.kerbside
        if client.microversion == "1.0":
            raise exceptions.CommandError("--os-kerbside-api-version 1.1 or greater is required to list services")
        return table(COLUMNS, client.services(limit=parsed_args.limit, marker=parsed_args.marker))
