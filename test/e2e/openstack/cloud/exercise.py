#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Put one server through everything a single-host cloud can do, so that
notifications.py has something to record.  Runs in the chroot:
    ./in-root exercise.py
"""
import subprocess
import sys
import time

import openstack

cloud = openstack.connect(compute_api_version='2.99')
compute = cloud.compute


def step(name, action, *status):
    print('%s %s' % (time.strftime('%H:%M:%S', time.gmtime()), name), flush=True)
    try:
        result = action()
    except Exception as error:
        print('   refused: %s' % error, flush=True)
        return None
    for wanted in status:
        end = time.time() + 180
        while time.time() < end:
            now = compute.get_server(server.id)
            if now.status == wanted and now.task_state is None:
                break
            time.sleep(0.5)
        else:
            print('   still %s, not %s' % (now.status, wanted), flush=True)
    time.sleep(1)
    return result


def create(name, flavor, **more):
    return compute.create_server(
        name=name, image_id=cloud.image.find_image('bootsector').id,
        flavor_id=compute.find_flavor(flavor).id, networks='none', **more)


server = create('notify-1', 'nano', metadata={'team': 'lab'})
step('create', lambda: None, 'ACTIVE')
s = server.id
instance_name = compute.get_server(s).instance_name
step('rename', lambda: compute.update_server(s, name='notify-2'))
step('set metadata', lambda: compute.set_server_metadata(s, key='value'))
step('stop', lambda: compute.stop_server(s), 'SHUTOFF')
step('start', lambda: compute.start_server(s), 'ACTIVE')
step('reboot hard', lambda: compute.reboot_server(s, 'HARD'), 'ACTIVE')
step('pause', lambda: compute.pause_server(s), 'PAUSED')
step('unpause', lambda: compute.unpause_server(s), 'ACTIVE')
step('suspend', lambda: compute.suspend_server(s), 'SUSPENDED')
step('resume', lambda: compute.resume_server(s), 'ACTIVE')
step('lock', lambda: compute.lock_server(s))
step('unlock', lambda: compute.unlock_server(s))
step('rescue', lambda: compute.rescue_server(s), 'RESCUE')
step('unrescue', lambda: compute.unrescue_server(s), 'ACTIVE')
step('rebuild', lambda: compute.rebuild_server(s, image=cloud.image.find_image('bootsector').id), 'ACTIVE')
step('resize', lambda: compute.resize_server(s, compute.find_flavor('small').id), 'VERIFY_RESIZE')
step('confirm resize', lambda: compute.confirm_server_resize(s), 'ACTIVE')
step('shelve', lambda: compute.shelve_server(s), 'SHELVED_OFFLOADED')
step('unshelve', lambda: compute.unshelve_server(s), 'ACTIVE')
step('live migrate (no other host)', lambda: compute.live_migrate_server(s, block_migration='auto'))
time.sleep(3)
step('the guest stops by itself',
     lambda: subprocess.run(['virsh', '-q', 'destroy', instance_name], check=True), 'SHUTOFF')
step('start', lambda: compute.start_server(s), 'ACTIVE')
step('delete', lambda: compute.delete_server(s))
cloud.compute.wait_for_delete(server, wait=120)
time.sleep(2)

print('too big for the host', flush=True)
huge = compute.find_flavor('huge-disk') or compute.create_flavor(name='huge-disk', ram=64, vcpus=1, disk=1000000)
server = create('notify-3', 'huge-disk')
step('create', lambda: None, 'ERROR')
compute.delete_server(server.id)
time.sleep(3)
for image in cloud.image.images(name='notify-2-shelved'):
    cloud.image.delete_image(image)
