# SPDX-License-Identifier: Apache-2.0
"""Desktops: what can be opened."""

from osc_lib.cli.format_columns import ListColumn
from osc_lib.command import command

from kerbsideclient.osc.v1.command import (
    add_filter_options,
    add_page_options,
    add_sort_option,
    faults,
    filters,
    rows,
    searched,
)

COLUMNS = (
    ("Server ID", "instance_uuid"),
    ("Name", "name"),
    ("State", "instance_state"),
    ("Source", "source"),
)
LONG_COLUMNS = COLUMNS + (
    ("Protocol", "protocol"),
    ("Project ID", "project_id"),
    ("User ID", "user_id"),
    ("Locked", "locked"),
    ("Tags", "tags"),
    ("Created At", "created_at"),
)


class ListDesktops(command.Lister):
    """List desktops that Kerbside knows"""

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        add_filter_options(parser)
        parser.add_argument("--name", metavar="<part>", help="Only those whose name contains this, in any case")
        parser.add_argument(
            "--state", metavar="<state>", help="Only those in this state, as the platform says it, such as ACTIVE"
        )
        add_sort_option(parser, ("name", "created_at", "source"), "name")
        parser.add_argument("--long", action="store_true", help="Show more columns")
        add_page_options(parser)
        return parser

    def take_action(self, parsed_args):
        client = self.app.client_manager.kerbside
        search = {"name~": parsed_args.name, "state": parsed_args.state, "sort": parsed_args.sort}
        query = {**filters(self.app.client_manager, parsed_args), **searched(search)}
        with faults():
            consoles = list(client.consoles(**query))
        for console in consoles:
            if "tags" in console:
                console["tags"] = ListColumn(console["tags"])
        return rows(LONG_COLUMNS if parsed_args.long else COLUMNS, consoles)
