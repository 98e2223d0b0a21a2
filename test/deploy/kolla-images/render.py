# SPDX-License-Identifier: Apache-2.0
"""Renders kolla/docker with the macros beside this file: render.py OUT [name=value]...

One Dockerfile for each template, OUT/<image>/Dockerfile. Values change those of a Debian build; an undefined variable is a
fault. A filter `customizable` and variables of the names that kolla-build gives are all that a template may use.
"""
import pathlib
import sys

import jinja2

HERE = pathlib.Path(__file__).parent
TEMPLATES = HERE.parents[2] / 'kolla' / 'docker'

VALUES = {
    'base_distro': 'debian',
    'base_package_type': 'deb',
    'distro_package_manager': 'apt',
    'docker_healthchecks': True,
    'image_prefix': '',
    'maintainer': 'nobody',
    'namespace': 'kolla',
    'patches_path': '',
    'tag': 'test',
    'users': {'kerbside': {'uid': 42495, 'gid': 42495, 'group': 'kerbside'}},
}


@jinja2.pass_context
def customizable(context, values, kind):
    """Adds to a list of packages what an operator's override appends."""
    name = context['image_name'].replace('-', '_')
    return list(values) + list(context.get(f'{name}_{kind}_append', []))


def main(out, *changes):
    loader = jinja2.FileSystemLoader([TEMPLATES, HERE])
    # Whitespace as kolla-build has it.
    environment = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined)
    environment.filters['customizable'] = customizable
    for template in sorted(TEMPLATES.glob('*/*/Dockerfile.j2')):
        values = {**VALUES, 'image_name': template.parent.name}
        for name, value in (change.split('=', 1) for change in changes):
            values[name] = {'true': True, 'false': False}.get(value, value.split(',') if name.endswith('_append') else value)
        target = pathlib.Path(out, template.parent.name, 'Dockerfile')
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(environment.get_template(str(template.relative_to(TEMPLATES))).render(values))
        print(template.parent.name)


main(*sys.argv[1:])
