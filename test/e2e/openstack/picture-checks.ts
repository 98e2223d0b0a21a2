// SPDX-License-Identifier: Apache-2.0
// The way from a console URL of Nova to the guest's screen, for every kind of console that Nova hands out, and TLS
// between Kerbside and the hypervisor.
import { parseVvFile, type VvFile } from '../../fixtures/vv-file.js';
import { type Check, type CheckContext, directHash, expectRefused, masked } from './check.js';
import type { Door } from './site.js';

/** In the order that they run. */
export const PICTURE_CHECKS: readonly Check[] = [
  { claim: 'console url show --spice-direct leads to the guest', prove: direct },
  { claim: 'openstack console url show --spice leads to the guest', prove: byClient },
  { claim: 'spice-html5 at 2.31 leads to the guest', prove: (context) => html5(context, '2.31') },
  { claim: 'spice-html5 at 2.6 leads to the guest', prove: (context) => html5(context, '2.6') },
  { claim: 'os-getSPICEConsole at 2.5 leads to the guest', prove: byAction },
  { claim: 'extra query parameters of a console URL are ignored', prove: extraParameters },
  { claim: 'TLS to the hypervisor with its CA', prove: tls },
];

async function direct(context: CheckContext): Promise<string> {
  const { cloud, demo, guest, evidence } = context;
  const command = await cloud.clientKnows(demo, '--spice-direct');
  const url = command
    ? await cloud.openstack(
        demo,
        'console',
        'url',
        'show',
        '--spice-direct',
        guest.id,
        '-f',
        'value',
        '-c',
        'url',
      )
    : await cloud.consoleUrl(demo, guest, 'spice-direct');
  const how = command
    ? 'openstack console url show --spice-direct'
    : 'POST remote-consoles spice-direct at 2.99';
  evidence(`${how}\n${masked(url)}`);
  const { vv, words } = await same(context, url);
  evidence(`GET ${masked(new URL(url).pathname + new URL(url).search)}\n${withoutSecrets(vv)}`);
  return `${words}, by ${command ? 'the command' : 'the API: this openstack command has no --spice-direct'}`;
}

async function byClient(context: CheckContext): Promise<string> {
  const { cloud, demo, guest, evidence } = context;
  const args = ['console', 'url', 'show', '--spice', guest.id, '-f', 'value', '-c', 'url'];
  const url = (await cloud.openstack(demo, ...args)).split('\n').at(-1) ?? '';
  evidence(`openstack console url show --spice\n${masked(url)}`);
  return (await same(context, url)).words;
}

async function html5(context: CheckContext, version: string): Promise<string> {
  const { cloud, demo, guest, evidence } = context;
  const url = await cloud.consoleUrl(demo, guest, 'spice-html5', version);
  evidence(`POST remote-consoles spice-html5 at ${version}\n${masked(url)}`);
  return (await same(context, url)).words;
}

async function byAction(context: CheckContext): Promise<string> {
  return (await same(context, await context.cloud.consoleUrlByAction(context.demo, context.guest))).words;
}

async function extraParameters(context: CheckContext): Promise<string> {
  const url = await context.cloud.consoleUrl(context.demo, context.guest, 'spice-direct');
  await context.door.vvOf(`${url}&language=de&title=guest(1)`);
  return 'as Horizon and Skyline add them';
}

async function tls(context: CheckContext): Promise<string> {
  const { cloud, site, demo, guest } = context;
  const only = { OS_PROXY__BACKEND_TRANSPORT: 'require_tls' };
  const strict = await site.open({ name: 'require-tls', env: only });
  const wrong = await site.open({ name: 'wrong-ca', env: only, hypervisorCa: site.authority.caFile });
  try {
    const { words } = await same(context, await cloud.consoleUrl(demo, guest, 'spice-direct'), strict);
    const distrusted = await wrong.vvOf(await cloud.consoleUrl(demo, guest, 'spice-direct'));
    const { hash } = await wrong.picture(distrusted);
    if (hash !== null) throw new Error('a hypervisor of an unknown CA was shown');
    return `${words} with require_tls; refused with another CA; ${await withoutTls(context, strict)}`;
  } finally {
    await Promise.all([strict.kerbside.stop(3000), wrong.kerbside.stop(3000)]);
  }
}

// A token of spice-html5 has no TLS port: require_tls must refuse it rather than fall back.
async function withoutTls({ cloud, demo, guest }: CheckContext, strict: Door): Promise<string> {
  const answer = await strict.follow(await cloud.consoleUrl(demo, guest, 'spice-html5'));
  if (answer.status !== 200) return `spice-html5 answers ${answer.status}`;
  const vv = parseVvFile(answer.body);
  const { hash } = await strict.picture(vv);
  if (hash === null) return `spice-html5 ${expectRefused('it', await strict.probe(vv))}`;
  return 'spice-html5 got the TLS port as well';
}

/** Follows a URL and compares the picture with the guest's own. */
async function same(
  context: CheckContext,
  url: string,
  door = context.door,
): Promise<{ vv: VvFile; words: string }> {
  const own = await directHash(context, context.guest);
  const vv = await door.vvOf(url);
  const { hash, log } = await door.picture(vv);
  if (hash === null) {
    const lines = door.kerbside.program.output().trim().split('\n').slice(-3).join(' | ');
    throw new Error(`no picture: ${log.trim().split('\n').slice(-3).join(' | ')}; Kerbside: ${lines}`);
  }
  if (hash !== own) throw new Error(`the picture differs: ${hash}, not ${own}`);
  context.evidence(`screenshot of the guest directly:   ${own}\nscreenshot through Kerbside:        ${hash}`);
  return { vv, words: `same picture, ${hash.slice(0, 27)}...` };
}

function withoutSecrets(vv: VvFile): string {
  return vv.text.replace(/^password=.*$/m, 'password=********').replace(/^ca=.*$/m, 'ca=(certificate)');
}
