# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for the filters of Kolla-Ansible that the role's templates use, so that they render without a checkout of it."""

from jinja2 import pass_context


def put_address_in_context(address, context):
    """IPv6 addresses in brackets, as in URLs."""
    return '[%s]' % address if ':' in address and context in ('url', 'memcache') else address


def kolla_url(fqdn, protocol, port, path='', context='url'):
    """The URL of a service, without a port that the protocol implies."""
    host = put_address_in_context(fqdn, context)
    implied = {'http': 80, 'ws': 80, 'https': 443, 'wss': 443}
    where = host if implied.get(protocol) == int(port) else '%s:%s' % (host, port)
    return '%s://%s%s' % (protocol, where, path)


@pass_context
def kolla_address(context, network, host=None, override_var=None):
    """The address of a host in a network; here each host has one, the variable address."""
    del network, override_var
    return context['hostvars'][host or context['inventory_hostname']]['address']


class FilterModule(object):
    """The filters by their names."""

    def filters(self):
        return {
            'kolla_address': kolla_address,
            'kolla_url': kolla_url,
            'put_address_in_context': put_address_in_context,
        }
