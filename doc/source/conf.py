# SPDX-License-Identifier: Apache-2.0
"""How Sphinx turns this folder into pages: tox-style-scripts/docs."""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

project = "Kerbside"
author = "Kerbside developers"
release = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["version"]
version = release

extensions = ["sphinx.ext.graphviz", "openapi_pages"]
# Drawings are text in the repository; a page that is looked at closely wants lines, not pixels.
graphviz_output_format = "svg"
root_doc = "index"
exclude_patterns = []
# Served as it is, beside the pages that link to it.
html_extra_path = ["openapi.json"]
html_static_path = ["_static"]
html_theme = "alabaster"
html_theme_options = {"description": "Native SPICE desktops from clouds", "fixed_sidebar": True, "page_width": "1100px"}
html_sidebars = {"**": ["about.html", "navigation.html", "searchbox.html"]}
html_show_sourcelink = False
highlight_language = "none"
smartquotes = False
nitpicky = True


def setup(app):
    """Give options a directive of their own: reference/options.rst uses it."""
    app.add_object_type("confval", "confval", objname="configuration option")


man_pages = [
    (f"cli/{name}", name, summary, [author], 8)
    for name, summary in (
        ("kerbside", "native SPICE desktops from clouds"),
        ("kerbside-manage", "manages the database, users, tokens and sessions of Kerbside"),
        ("kerbside-status", "checks a configuration and an installation of Kerbside"),
    )
]
