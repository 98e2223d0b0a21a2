// SPDX-License-Identifier: Apache-2.0
// What the checks share: the claim and its proof, the context, and words for what went wrong.
import type { ApiAnswer } from '../../fixtures/kerbside-process.js';
import type { ProbeResult } from '../../fixtures/link-probe.js';
import type { Account, Cloud, Guest } from './cloud.js';
import { directPicture, type Door, type Site } from './site.js';

/** The cloud, Kerbside, and who is who. */
export interface CheckContext {
  /** Private folder. */
  dir: string;
  cloud: Cloud;
  site: Site;
  door: Door;
  admin: Account;
  /** Owns the guest. */
  demo: Account;
  /** A member of another project. */
  stranger: Account;
  /** Of project demo, running. */
  guest: Guest;
  /** Keeps an output for the report; secrets must be masked. */
  evidence: (text: string) => void;
}

/** A claim and its proof. The proof gives a few words for the report, or throws with the reason why the claim is false. */
export interface Check {
  claim: string;
  prove: (context: CheckContext) => Promise<string>;
}

/** What the guest shows without Kerbside, as Nova tells where it is. */
export async function directHash({ cloud, admin, dir }: CheckContext, guest: Guest): Promise<string> {
  const resolved = await cloud.resolve(admin, await cloud.consoleUrl(guest.owner, guest, 'spice-direct'));
  if (resolved === null) throw new Error('Nova does not know its own token');
  return directPicture(resolved.host, resolved.port, dir);
}

/** @throws Error unless an answer has one of the statuses. */
export function expectStatus(what: string, answer: ApiAnswer, ...statuses: number[]): void {
  if (statuses.includes(answer.status)) return;
  throw new Error(
    `${what} answered ${answer.status}, not ${statuses.join(' or ')}: ${answer.body.slice(0, 200)}`,
  );
}

/** @throws Error when a link was accepted. */
export function expectRefused(what: string, result: ProbeResult): string {
  if (result.outcome === 'linked') {
    result.link.close();
    throw new Error(`${what} was accepted`);
  }
  return result.outcome === 'refused' ? `link result ${result.result}` : result.outcome.replace('_', ' ');
}

/** A console URL that may be shown. */
export function masked(url: string): string {
  return url.replace(/token=[^&]+/, 'token=********');
}
