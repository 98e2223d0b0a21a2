// SPDX-License-Identifier: Apache-2.0
// [proxy] backend_transport: which port of a hypervisor is dialled first, and where to after NEED_SECURED.
import { describe, expect, it } from '@jest/globals';
import { Site } from '../../fixtures/kerbside.js';

const TLS_ROW = { hypervisor: 'localhost' };

async function withSite(transport: string, run: (site: Site) => Promise<void>): Promise<void> {
  const site = await Site.start({ OS_PROXY__BACKEND_TRANSPORT: transport });
  try {
    await run(site);
  } finally {
    await site.stop();
  }
}

describe('backend_transport', () => {
  it(
    'plain: the plain port first; a backend that answers NEED_SECURED is dialled again over TLS',
    () =>
      withSite('plain', async (site) => {
        const tls = site.certificates.hypervisor;
        const desk = await site.desk({ tls, needSecured: true }, TLS_ROW);
        const client = await site.client(desk.uuid);
        await client.openMain();
        expect(desk.server.attempts.map(({ secured }) => secured)).toEqual([false, true]);
        await site.logged('hypervisor requires TLS; retrying backend connection over the secure port');
        await client.open('display');

        const open = await site.desk({ tls }, TLS_ROW);
        await (await site.client(open.uuid)).openMain();
        expect(open.server.attempts.map(({ secured }) => secured)).toEqual([false]);

        const wrong = await site.desk({ tls: site.certificates.wrongCa, needSecured: true }, TLS_ROW);
        const refused = await (await site.client(wrong.uuid)).link('main', 0, { connectionId: 0 });
        expect(refused.outcome).toMatchObject({ type: 'closed', stage: 'result' });
        expect(wrong.server.attempts.map(({ secured }) => secured)).toEqual([false, true]);
      }),
    60_000,
  );

  it(
    'require_tls: the TLS port or nothing',
    () =>
      withSite('require_tls', async (site) => {
        const tls = site.certificates.hypervisor;
        const secure = await site.desk({ tls }, TLS_ROW);
        await (await site.client(secure.uuid)).openMain();
        expect(secure.server.attempts.map(({ secured }) => secured)).toEqual([true]);

        const plain = await site.desk();
        const refused = await (await site.client(plain.uuid)).link('main', 0, { connectionId: 0 });
        expect(refused.outcome).toMatchObject({ type: 'closed', stage: 'result' });
        await site.audited(plain.uuid, 'Hypervisor connection failed: TLS is required');
        expect(await site.metric('kerbside_proxy_backend_failures_total{reason="tls_required"}')).toBe(1);
        expect(plain.server.attempts).toHaveLength(0);
      }),
    60_000,
  );
});
