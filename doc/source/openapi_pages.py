# SPDX-License-Identifier: Apache-2.0
"""The directive ``openapi``: shows openapi.json, which the service itself serves, as sections and tables.

It reads the document anew at every build, so that no page can differ from it::

    .. openapi:: ../openapi.json
       :under: /v1

``under`` and ``not-under`` choose paths by what they begin with. The schemas that the chosen routes use follow in
a section of their own.
"""

import json
import pathlib

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

REFERENCE = "#/components/schemas/"
LOGINS = {"bearer": "Bearer", "cookie": "cookie", "keystone": "X-Auth-Token"}


class OpenApi(SphinxDirective):
    """Sections for the routes of an OpenAPI document, and for the schemas that they use."""

    required_arguments = 1
    option_spec = {"under": directives.unchanged, "not-under": directives.unchanged}

    def run(self):
        relative, absolute = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        document = json.loads(pathlib.Path(absolute).read_text(encoding="utf-8"))
        self.schemas = document["components"]["schemas"]
        chosen = [
            (path, method, operation)
            for path, operations in document["paths"].items()
            if self.is_chosen(path)
            for method, operation in operations.items()
        ]
        sections = [self.operation(path, method, operation) for path, method, operation in chosen]
        used = self.closure([operation for _, _, operation in chosen])
        bodies = section("schemas", "Bodies")
        bodies += [self.schema(name) for name in sorted(used)]
        return [*sections, bodies]

    def is_chosen(self, path):
        """Whether the path is under ``under`` and not under ``not-under``."""
        under, other = self.options.get("under"), self.options.get("not-under")
        return (under is None or is_under(path, under)) and not (other is not None and is_under(path, other))

    def operation(self, path, method, operation):
        """The section of one route."""
        shown = section(f"{method}-{path}", f"{method.upper()} {path}")
        shown += nodes.paragraph(text=f"{operation['summary']}.")
        shown += fields(self.facts(operation))
        if "parameters" in operation:
            rows = [
                [literal(one["name"]), [nodes.Text(one["in"])], required(one), self.type_of(one["schema"])]
                for one in operation["parameters"]
            ]
            shown += table("Parameters", ["name", "in", "", "type"], [20, 10, 15, 55], rows)
        shown += table(
            "Answers",
            ["status", "when", "body"],
            [10, 55, 35],
            [
                [literal(status), [nodes.Text(one["description"])], self.body_of(one)]
                for status, one in sorted(operation["responses"].items())
            ],
        )
        return shown

    def facts(self, operation):
        """What is said of a route in a line each."""
        yield "Who", [nodes.Text(who(operation))]
        if "x-kerbside-rule" in operation:
            yield "Rule", literal(operation["x-kerbside-rule"])
        if "x-kerbside-since" in operation:
            yield "Since", [nodes.Text(f"version {operation['x-kerbside-since']}")]
        if "requestBody" in operation:
            yield "Body", self.body_of(operation["requestBody"])
        yield "Operation", literal(operation["operationId"])

    def body_of(self, holder):
        """The kinds of a body, each with its schema."""
        kinds = [self.kind(kind, one["schema"]) for kind, one in holder.get("content", {}).items()]
        headers = [[*literal(name), nodes.Text(" in the header")] for name in holder.get("headers", {})]
        return joined([*kinds, *headers], ", ") or [nodes.Text("none")]

    def kind(self, kind, schema):
        """JSON is what nearly all bodies are; others are named."""
        return self.type_of(schema) if kind == "application/json" else literal(kind)

    def schema(self, name):
        """The section of one schema."""
        one = self.schemas[name]
        shown = section(f"schema-{name}", name)
        if "description" in one:
            shown += nodes.paragraph(text=one["description"])
        if "properties" in one:
            rows = list(self.members(one))
            shown += table(None, ["member", "", "type", "meaning"], [27, 13, 30, 30], rows)
        else:
            shown += nodes.paragraph("", "", *self.type_of(one))
        return shown

    def members(self, schema, before=""):
        """A row for each member; those of objects without a name of their own follow theirs."""
        for name, one in schema["properties"].items():
            needed = required({"required": name in schema.get("required", [])})
            yield [literal(f"{before}{name}"), needed, self.type_of(one), [nodes.Text(one.get("description", ""))]]
            if "properties" in one:
                yield from self.members(one, f"{before}{name}.")

    def type_of(self, schema):
        """A type in words; named schemas are links."""
        if "$ref" in schema:
            name = schema["$ref"].removeprefix(REFERENCE)
            return [nodes.reference("", "", nodes.literal(text=name), internal=True, refid=f"schema-{name}".lower())]
        if "enum" in schema:
            return joined([literal(json.dumps(value)) for value in schema["enum"]], " or ")
        if isinstance(schema.get("additionalProperties"), dict):
            return [nodes.Text("object of "), *self.type_of(schema["additionalProperties"])]
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if "array" in kinds and "items" in schema:
            return [nodes.Text("array of "), *self.type_of(schema["items"])]
        return [nodes.Text(" or ".join(kinds) + limits(schema))]

    def closure(self, start):
        """The names of all schemas that can be reached from here."""
        found, waiting = set(), list(references(start))
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += references(self.schemas[name])
        return found


def is_under(path, prefix):
    """Whether the path is the prefix, or begins with it as a folder."""
    return path == prefix or path.startswith(f"{prefix}/")


def references(part):
    """The names of schemas that a part of the document refers to."""
    if isinstance(part, list):
        for one in part:
            yield from references(one)
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"].removeprefix(REFERENCE)
        for one in part.values():
            yield from references(one)


def who(operation):
    """Whose requests are taken, in words."""
    security = operation["security"]
    if not security:
        return "anyone"
    names = ", ".join(LOGINS[name] for one in security for name in one)
    return f"anyone; a login is read ({names})" if {} in security else f"who is logged in ({names})"


def limits(schema):
    """Length, range, form of a value; nothing where there is none."""
    words = {
        "format": "{}",
        "minimum": "at least {}",
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
        "maxItems": "at most {}",
        "pattern": "{}",
    }
    said = [form.format(schema[key]) for key, form in words.items() if key in schema]
    return f" ({', '.join(said)})" if said else ""


def required(holder):
    """The word for what must be there."""
    return [nodes.Text("required" if holder.get("required") else "optional")]


def literal(text):
    """Text as code, as the children of a cell."""
    return [nodes.literal(text=text)]


def joined(parts, separator):
    """Lists of nodes as one, with text between them."""
    found = []
    for part in parts:
        found += [nodes.Text(separator), *part] if found else part
    return found


def section(name, title):
    """A section with a stable address."""
    identifier = nodes.make_id(name.replace("/", "-"))
    shown = nodes.section(ids=[identifier], names=[identifier])
    shown += nodes.title(text=title)
    return shown


def fields(pairs):
    """A list of names and values."""
    shown = nodes.field_list()
    for name, value in pairs:
        shown += nodes.field(
            "", nodes.field_name(text=name), nodes.field_body("", nodes.paragraph("", "", *value))
        )
    return shown


def table(title, heads, widths, rows):
    """A table whose cells are lists of nodes."""
    shown = nodes.table(classes=["openapi"])
    if title is not None:
        shown += nodes.title(text=title)
    group = nodes.tgroup(cols=len(widths))
    group += [nodes.colspec(colwidth=width) for width in widths]
    group += nodes.thead("", row([[nodes.Text(head)] for head in heads]))
    body = nodes.tbody()
    body += [row(cells) for cells in rows]
    group += body
    shown += group
    return shown


def row(cells):
    """One row of a table."""
    return nodes.row("", *[nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells])


def setup(app):
    """Tell Sphinx about the directive."""
    app.add_directive("openapi", OpenApi)
    return {"parallel_read_safe": True}
