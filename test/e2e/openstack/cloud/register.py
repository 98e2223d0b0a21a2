#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Fill a fresh cloud: service accounts, catalogue, flavors, test users, image.

Idempotent.  Runs in the chroot; reads its settings from the environment
(up.sh passes them).  `register.py accounts` needs only Keystone,
`register.py resources` needs Nova and Glance too.
"""
import os
import struct
import sys

import openstack

ENV = os.environ
PASSWORD = ENV['CLOUD_PASSWORD']
cloud = openstack.connect(
    auth_url='http://127.0.0.1:%s/v3' % ENV['KEYSTONE_PORT'],
    username='admin', password=PASSWORD, project_name='admin',
    user_domain_name='Default', project_domain_name='Default',
    region_name=ENV['CLOUD_REGION'], compute_api_version='2.99')
identity = cloud.identity


def project(name):
    return (identity.find_project(name, domain_id='default') or
            identity.create_project(name=name, domain_id='default'))


def user(name, project_name, *roles):
    u = (identity.find_user(name, domain_id='default') or
         identity.create_user(name=name, domain_id='default', password=PASSWORD))
    p = project(project_name)
    for role_name in roles:
        role = (identity.find_role(role_name) or
                identity.create_role(name=role_name))
        identity.assign_project_role_to_user(p, u, role)


def group(name, *members):
    g = (identity.find_group(name, domain_id='default') or
         identity.create_group(name=name, domain_id='default'))
    for member in members:
        identity.add_user_to_group(
            identity.find_user(member, domain_id='default'), g)


def service(kind, name, url):
    s = (next(iter(identity.services(type=kind)), None) or
         identity.create_service(type=kind, name=name))
    for interface in ('public', 'internal', 'admin'):
        if not list(identity.endpoints(service_id=s.id, interface=interface)):
            identity.create_endpoint(service_id=s.id, interface=interface,
                                     url=url, region_id=ENV['CLOUD_REGION'])


def boot_sector(text):
    """A 1 MiB disk: boots, hides the cursor, prints a line, echoes the keyboard.

    Without a partition table entry Nova refuses to build from it
    ("GPT MBR has no partitions defined").
    """
    code = bytes([
        0x31, 0xc0,              # xor ax,ax
        0x8e, 0xd8,              # mov ds,ax
        0xb8, 0x03, 0x00,        # mov ax,3
        0xcd, 0x10,              # int 10h        80x25 text
        0xb4, 0x01,              # mov ah,1
        0xb9, 0x00, 0x20,        # mov cx,2000h
        0xcd, 0x10,              # int 10h        no cursor: it would blink
        0xbe, 0x28, 0x7c,        # mov si,7c28h   the text below
        0xac,                    # next: lodsb
        0x08, 0xc0,              # or al,al
        0x74, 0x06,              # jz keys
        0xb4, 0x0e, 0xcd, 0x10,  # print al
        0xeb, 0xf5,              # jmp next
        0x30, 0xe4, 0xcd, 0x16,  # keys: wait for a key
        0xb4, 0x0e, 0xcd, 0x10,  # print it
        0xeb, 0xf6])             # jmp keys
    sector = (code + text.encode() + b'\r\n\0').ljust(446, b'\0')
    entry = struct.pack('<B3sB3sII', 0x80, b'\0\2\0', 0x83, b'\0\x20\0', 1, 2047)
    sector += entry + bytes(48) + b'\x55\xaa'
    return sector.ljust(1 << 20, b'\0')


def accounts():
    for name in ('nova', 'placement', 'glance', 'neutron'):
        user(name, 'service', 'admin', 'service')
    # For a console proxy: nova lets only the admin role look up console tokens.
    user('console', 'service', 'admin', 'service')
    # An ordinary customer.
    user('demo', 'demo', 'member', 'reader')
    # Another one, who must never see demo's guests.
    user('stranger', 'other', 'member', 'reader')
    # The two groups of a login at Kerbside itself.
    group('kerbside', 'admin', 'demo')
    group('kerbside-admin', 'admin')
    local = 'http://127.0.0.1:%s'
    service('image', 'glance', local % ENV['GLANCE_PORT'])
    service('placement', 'placement', local % ENV['PLACEMENT_PORT'])
    service('compute', 'nova', local % ENV['NOVA_PORT'] + '/v2.1')
    service('network', 'neutron', local % ENV['NEUTRON_PORT'])


def resources():
    for name, ram in (('nano', 64), ('small', 256)):
        if not cloud.compute.find_flavor(name):
            cloud.compute.create_flavor(name=name, ram=ram, vcpus=1, disk=1)
    for name, text in (('bootsector', 'LAB GUEST READY'),
                       ('bootsector-other', 'ANOTHER CUSTOMER')):
        if not cloud.image.find_image(name):
            cloud.image.create_image(
                name, data=boot_sector(text), visibility='public',
                disk_format='raw', container_format='bare',
                validate_checksum=False)


{'accounts': accounts, 'resources': resources}[sys.argv[1]]()
