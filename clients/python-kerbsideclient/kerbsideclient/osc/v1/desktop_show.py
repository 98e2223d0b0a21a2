# SPDX-License-Identifier: Apache-2.0
"""One desktop: its facts, and what data may enter and leave it."""

from osc_lib import exceptions
from osc_lib.cli.format_columns import DictColumn
from osc_lib.command import command

from kerbsideclient.osc.v1.command import faults, find_server

#: What of a console is shown, beside its guest data policy.
FACTS = ("id", "source", "instance_uuid", "name", "project_id", "user_id", "instance_state", "locked", "created_at")


class PolicyColumn(DictColumn):
    """A guest data policy: for people the values and who set them, for programs what the service says."""

    def human_readable(self):
        return "\n".join(f"{key}: {shown(rule['value'])} ({rule['from']})" for key, rule in self._value.items())


class ShowDesktop(command.ShowOne):
    """Show a desktop, and what data may enter and leave it"""

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        parser.add_argument("server", metavar="<server>", help="Server (name or ID)")
        parser.add_argument("--source", metavar="<source>", help="Source of the server, where several know it")
        return parser

    def take_action(self, parsed_args):
        client = self.app.client_manager.kerbside
        server = find_server(self.app.client_manager, parsed_args.server)
        with faults():
            known = list(client.consoles(instance_uuid=server, source=parsed_args.source))
            if len(known) != 1:
                raise exceptions.CommandError(trouble(known, server))
            console = client.console(known[0]["source"], server)
        data = {key: console[key] for key in FACTS if key in console}
        if "guest_policy" in console:
            data["guest_policy"] = PolicyColumn(console["guest_policy"])
        return self.dict2columns(data)


def trouble(known, server):
    """Say why there is not one console of a server."""
    if not known:
        return f"the console service knows no desktop of server {server}; open it once, or wait until its source has it"
    sources = ", ".join(sorted(console["source"] for console in known))
    return f"several sources know server {server}: {sources}; name one with --source"


def shown(value):
    """Give a value as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)
