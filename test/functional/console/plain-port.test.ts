// SPDX-License-Identifier: Apache-2.0
// Whether clients are told of the plain port, and whether there is one.
import { afterEach, describe, expect, it } from '@jest/globals';
import { Site } from '../../fixtures/kerbside.js';
import { connectSocket } from '../../fixtures/spice-client.js';

let site: Site | undefined;
afterEach(() => site?.stop());

describe('the plain port', () => {
  it('is not named to clients, who need it for nothing', async () => {
    site = await Site.start({ OS_SPICE__ENABLE_INSECURE_PORT: 'false' });
    const desk = await site.desk();
    const vv = await site.vv(desk.uuid);
    expect([vv.port, vv.tlsPort]).toEqual([null, site.kerbside.ports.secure]);
    await (await site.client(desk.uuid, {}, vv)).openMain();
    await expect(connectSocket({ port: site.kerbside.ports.insecure })).rejects.toThrow('ECONNREFUSED');
    expect(site.log()).not.toContain('insecure SPICE listener bound');
  });

  it('is named where the configuration says so', async () => {
    site = await Site.start({ OS_SPICE__ADVERTISE_INSECURE_PORT: 'true' });
    const { insecure, secure } = site.kerbside.ports;
    const vv = await site.vv((await site.desk()).uuid);
    expect([vv.port, vv.tlsPort]).toEqual([insecure, secure]);
    (await connectSocket({ port: insecure })).destroy();
  });
});
