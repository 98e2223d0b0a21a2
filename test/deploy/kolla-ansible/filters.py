# SPDX-License-Identifier: Apache-2.0
"""The filters of the role: subjects, keys, and INI files of an operator."""

import importlib.util
import pathlib
import unittest

PATH = pathlib.Path(__file__).parents[3] / 'kolla/ansible/roles/kerbside/filter_plugins/kerbside.py'
SPEC = importlib.util.spec_from_file_location('kerbside_filters', PATH)
filters = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(filters)

WANTED = {'spice': {'server_listen': '{{ api_interface_address }}', 'require_secure': 'true'}}
MARK = 'Kerbside: written by its role'


class HostSubject(unittest.TestCase):
    """The subject of a certificate as SPICE clients compare it."""

    def test_keeps_the_order(self):
        subject = [['countryName', 'US'], ['organizationName', 'Example'], ['commonName', 'kerbside.example.com']]
        self.assertEqual(filters.host_subject(subject), 'C=US,O=Example,CN=kerbside.example.com')

    def test_escapes_what_separates(self):
        self.assertEqual(filters.host_subject([['organizationName', 'A, B\\C']]), 'O=A\\, B\\\\C')

    def test_refuses_a_part_that_clients_do_not_know(self):
        with self.assertRaisesRegex(ValueError, 'serialNumber.*use C, ST'):
            filters.host_subject([['serialNumber', '7']])


class SubjectAltName(unittest.TestCase):
    """The name that a certificate is for beside its subject."""

    def test_tells_addresses_from_names(self):
        self.assertEqual(filters.subject_alt_name('192.0.2.10'), 'IP:192.0.2.10')
        self.assertEqual(filters.subject_alt_name('2001:db8::10'), 'IP:2001:db8::10')
        self.assertEqual(filters.subject_alt_name('kerbside.example.com'), 'DNS:kerbside.example.com')
        self.assertEqual(filters.subject_alt_name('192.0.2.10.example.com'), 'DNS:192.0.2.10.example.com')


class EncryptionKeyLine(unittest.TestCase):
    """One line of the key file."""

    def test_derives_the_same_key_everywhere(self):
        line = filters.encryption_key_line('x' * 40)
        self.assertRegex(line, r'^[0-9a-f]{8} [A-Za-z0-9+/]{43}=$')
        self.assertEqual(line, filters.encryption_key_line('x' * 40))
        self.assertNotEqual(line, filters.encryption_key_line('y' * 40))

    def test_takes_a_line_as_it_is(self):
        line = '0a1b2c3d AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='
        self.assertEqual(filters.encryption_key_line(line), line)

    def test_refuses_a_short_secret_without_showing_it(self):
        with self.assertRaises(ValueError) as caught:
            filters.encryption_key_line('hush')
        self.assertNotIn('hush', str(caught.exception))


class IniConflicts(unittest.TestCase):
    """An operator's file against what Kerbside needs."""

    def conflicts(self, text):
        return filters.ini_conflicts(text, WANTED, MARK)

    def test_finds_none_in_other_options_sections_and_comments(self):
        text = '[DEFAULT]\nrequire_secure = false\n[spice]\n# require_secure = false\nagent_enabled = true\n'
        self.assertEqual(self.conflicts(text), [])

    def test_finds_none_in_the_same_value(self):
        self.assertEqual(self.conflicts('[spice]\nserver_listen={{ api_interface_address }}\nrequire_secure: true\n'), [])

    def test_reads_booleans_as_nova_does(self):
        for value in ('True', 'yes', '1', 'ON'):
            self.assertEqual(self.conflicts('[spice]\nrequire_secure = %s\n' % value), [], value)
        for value in ('False', 'no', '0', '', 'maybe'):
            self.assertEqual(len(self.conflicts('[spice]\nrequire_secure = %s\n' % value)), 1, value)

    def test_names_section_option_and_both_values(self):
        self.assertEqual(
            self.conflicts('[spice]\nserver_listen = 0.0.0.0\n'),
            ['[spice] server_listen is "0.0.0.0", and Kerbside needs "{{ api_interface_address }}"'],
        )

    def test_passes_over_its_own_part(self):
        text = '[x]\na = b\n# BEGIN %s\n[spice]\nrequire_secure = false\n# END %s\n' % (MARK, MARK)
        self.assertEqual(self.conflicts(text), [])

    def test_bears_any_text(self):
        for text in ('', '\n\n', '{% if x %}\n', '=', '[', '[]', 'a', ' = b', '[spice\nrequire_secure = false'):
            self.assertEqual(self.conflicts(text), [], text)


if __name__ == '__main__':
    unittest.main()
