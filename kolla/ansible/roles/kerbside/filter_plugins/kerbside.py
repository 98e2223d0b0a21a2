# SPDX-License-Identifier: Apache-2.0
"""Filters of the role: names of certificates, encryption keys, and INI files that an operator wrote."""

import base64
import hashlib
import ipaddress
import re

# The short names that SPICE clients compare, by the names that X.509 modules give them.
_SHORT_NAMES = {
    'countryName': 'C',
    'stateOrProvinceName': 'ST',
    'localityName': 'L',
    'organizationName': 'O',
    'organizationalUnitName': 'OU',
    'commonName': 'CN',
    'domainComponent': 'DC',
    'emailAddress': 'emailAddress',
}
_KEY_LINE = re.compile(r'^[0-9a-f]{8} [A-Za-z0-9+/]{43}=$')
_SHORTEST_KEY = 32
# How oslo.config reads booleans.
_BOOLEANS = dict.fromkeys(('true', '1', 'yes', 'on'), True) | dict.fromkeys(('false', '0', 'no', 'off'), False)


def host_subject(subject_ordered):
    """The subject of a certificate as SPICE clients read it, such as ``O=Example,CN=proxy``.

    :param subject_ordered: list of [name, value], in the order of the certificate
    :raises ValueError: when a part has no short name that clients know
    """
    parts = []
    for name, value in subject_ordered:
        if name not in _SHORT_NAMES:
            raise ValueError(
                'the subject of the certificate has a part "%s", which SPICE clients cannot compare; '
                'use C, ST, L, O, OU, CN, DC and emailAddress only' % name
            )
        escaped = str(value).replace('\\', '\\\\').replace(',', '\\,')
        parts.append('%s=%s' % (_SHORT_NAMES[name], escaped))
    return ','.join(parts)


def subject_alt_name(host):
    """The alternative name of a certificate for a host: ``IP:192.0.2.10`` or ``DNS:kerbside.example.com``."""
    try:
        return 'IP:%s' % ipaddress.ip_address(str(host))
    except ValueError:
        return 'DNS:%s' % host


def encryption_key_line(secret):
    """One line of the encryption key file, ``<id> <32 bytes in base64>``.

    A line of that form is taken as it is; anything else is a secret of 32 characters or more, and the key is derived
    from it (SHA-256), so that every node has the same.

    :raises ValueError: when the secret is too short to be one
    """
    text = str(secret).strip()
    if _KEY_LINE.match(text):
        return text
    if len(text) < _SHORTEST_KEY:
        raise ValueError(
            'kerbside_encryption_key has %d characters; it takes %d or more (kolla-genpwd makes 40)'
            % (len(text), _SHORTEST_KEY)
        )
    key = hashlib.sha256(b'kerbside encryption key\0' + text.encode()).digest()
    key_id = hashlib.sha256(b'kerbside encryption key id\0' + text.encode()).hexdigest()[:8]
    return '%s %s' % (key_id, base64.b64encode(key).decode())


def _without_block(text, marker):
    """The lines of a file outside the block between '# BEGIN <marker>' and '# END <marker>'."""
    inside = False
    for line in text.splitlines():
        if line.strip() == '# BEGIN ' + marker:
            inside = True
        elif line.strip() == '# END ' + marker:
            inside = False
        elif not inside:
            yield line


def _differs(value, wanted):
    """Whether an option means something else than wanted: ``True`` and ``true`` do not, where a boolean is wanted."""
    boolean = _BOOLEANS.get(wanted.lower()) if wanted.lower() in ('true', 'false') else None
    return value != wanted if boolean is None else _BOOLEANS.get(value.lower()) is not boolean


def ini_conflicts(text, wanted, marker):
    """What an operator's INI file sets to something else than wanted, one sentence each.

    :param text: the file; empty when there is none
    :param wanted: {section: {option: value}}
    :param marker: the block that is ours, and does not count
    """
    conflicts = []
    section = ''
    for line in _without_block(text, marker):
        header = re.match(r'^\[(.+)\]\s*$', line)
        if header:
            section = header.group(1).strip()
            continue
        option = re.match(r'^([^\s#;=:{][^=:]*?)\s*[=:]\s*(.*?)\s*$', line)
        if not option:
            continue
        name, value = option.groups()
        ours = wanted.get(section, {}).get(name)
        if ours is not None and _differs(value, str(ours)):
            conflicts.append('[%s] %s is "%s", and Kerbside needs "%s"' % (section, name, value, ours))
    return conflicts


def ini_text(wanted):
    """An INI file of {section: {option: value}}."""
    sections = []
    for section, options in wanted.items():
        lines = ['[%s]' % section] + ['%s = %s' % item for item in options.items()]
        sections.append('\n'.join(lines))
    return '\n\n'.join(sections)


class FilterModule(object):
    """The filters by the names that tasks and templates use."""

    def filters(self):
        return {
            'kerbside_host_subject': host_subject,
            'kerbside_subject_alt_name': subject_alt_name,
            'kerbside_encryption_key_line': encryption_key_line,
            'kerbside_ini_conflicts': ini_conflicts,
            'kerbside_ini_text': ini_text,
        }
