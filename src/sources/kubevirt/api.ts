// SPDX-License-Identifier: Apache-2.0
// The Kubernetes API of one cluster with KubeVirt: lists its machines page by page, and says what one is now. The token is
// read from its file for every request: the cluster renews it there.
import { open } from 'node:fs/promises';
import { Unavailable } from '../../exception.js';
import type { HttpAnswer } from '../../identity/http-client.js';
import { unreadable } from '../../option-file.js';
import { Secret } from '../../conf/secret.js';
import { objectOf, textOf } from '../json.js';
import { PlatformApi, shownText } from '../platform-api.js';
import { isToken, type KubeVirtLogin } from './entry.js';
import { machineOf, machinePage, type Machine, type MachinePage } from './inventory.js';

/** A namespace and a name in it. */
export interface Place {
  readonly namespace: string;
  readonly name: string;
}

/** All pages of one listing. */
export type Listing = readonly MachinePage[];

/** Machines on one page, some ten thousand bytes each. */
const PAGE_SIZE = 250;
const MOST_PAGES = 200;
/** How often a listing begins anew whose pages have expired meanwhile. */
const MOST_BEGINNINGS = 3;
const MAX_TOKEN_FILE = 16_384;
const MACHINES = 'virtualmachineinstances';

/** The API says that the token may not do what was asked. */
export class Forbidden extends Unavailable {}

/** One cluster. */
export class KubeVirtApi {
  private readonly api: PlatformApi;

  /**
   * @param timeout seconds for one request
   * @throws StartupError when the CA file cannot be read
   */
  constructor(
    private readonly login: KubeVirtLogin,
    timeout: number,
  ) {
    const { url, http } = login;
    this.api = new PlatformApi({ platform: 'Kubernetes', url, http, timeout });
  }

  /** A fault of the cluster, which begins with its address. */
  fault(text: string): Unavailable {
    return this.api.fault(text);
  }

  /**
   * The machines of a namespace, or of all of them: one moment, however many pages it takes.
   * @param timeout seconds for one page
   * @throws Forbidden, Unavailable
   */
  async list(namespace: string | null, timeout: number, signal: AbortSignal): Promise<Listing> {
    for (let beginning = 1; beginning <= MOST_BEGINNINGS; beginning += 1) {
      const listing = await this.listOnce(namespace, timeout, signal);
      if (listing !== null) return listing;
    }
    throw this.fault('ends its listings before they are read; see whether it is overloaded');
  }

  /** One machine; null when there is none of this name. @throws Forbidden, Unavailable */
  async machine({ namespace, name }: Place, signal: AbortSignal): Promise<Machine | null> {
    const answer = await this.get(`${pathOf(namespace)}/${name}`, undefined, signal);
    // A page is of a server that has no API at this path.
    if (answer.status === 404 && statusOf(answer) !== null) return null;
    const machine = machineOf(this.json(answer));
    if (machine === null || machine.namespace !== namespace || machine.name !== name)
      throw this.fault('answered with something that is not the machine; see whether url is right');
    return machine;
  }

  /** The token that holds now. Secret. @throws Unavailable when its file cannot be used */
  async token(): Promise<string> {
    const { token } = this.login;
    if (token instanceof Secret) return token.reveal();
    const text = await tokenIn(token.file);
    if (isToken(text)) return text;
    throw new Unavailable(
      `token_file: the file ${token.file} holds no token; have the token of a ServiceAccount in it`,
    );
  }

  /** null: its pages have expired. */
  private async listOnce(
    namespace: string | null,
    timeout: number,
    signal: AbortSignal,
  ): Promise<Listing | null> {
    const pages: MachinePage[] = [];
    for (let next = ''; pages.length < MOST_PAGES;) {
      const query = new URLSearchParams({
        limit: String(PAGE_SIZE),
        ...(next === '' ? {} : { continue: next }),
      });
      const answer = await this.get(`${pathOf(namespace)}?${query.toString()}`, timeout, signal);
      if (answer.status === 410) return null;
      if (answer.status === 404)
        throw this.fault(
          'does not know virtualmachineinstances; see whether KubeVirt is installed, and whether url is right',
        );
      const page = machinePage(this.json(answer));
      if (page === null) throw this.fault('lists something that is not machines; see whether url is right');
      pages.push(page);
      if (page.next === '') return pages;
      next = page.next;
    }
    throw this.fault(
      `lists more than ${String(PAGE_SIZE * MOST_PAGES)} machines; name some namespaces of it`,
    );
  }

  private async get(path: string, timeout: number | undefined, signal: AbortSignal): Promise<HttpAnswer> {
    const answer = await this.api.send({
      ...{ method: 'GET', path, signal },
      headers: { Authorization: `Bearer ${await this.token()}`, Accept: 'application/json' },
      ...(timeout === undefined ? {} : { timeout }),
    });
    const { status } = answer;
    if (status === 401)
      throw this.fault(
        'does not accept the token (HTTP 401); see whether it has expired, or is of another cluster',
      );
    if (status === 403)
      throw new Forbidden(
        `${this.api.place} refuses (HTTP 403: ${said(answer)}); give the ServiceAccount get and list of ${MACHINES}`,
      );
    return answer;
  }

  private json(answer: HttpAnswer): unknown {
    if (answer.status !== 200) throw this.fault(`answered HTTP ${String(answer.status)}: ${said(answer)}`);
    if (answer.json === undefined)
      throw this.fault(
        'answered with something that is no JSON; see whether url is that of the Kubernetes API',
      );
    return answer.json;
  }
}

function pathOf(namespace: string | null): string {
  const within = namespace === null ? '' : `/namespaces/${namespace}`;
  return `/apis/kubevirt.io/v1${within}/${MACHINES}`;
}

/** The message of a Status; null: it is none. */
function statusOf(answer: HttpAnswer): string | null {
  const status = objectOf(answer.json);
  return status?.['kind'] === 'Status' ? (textOf(status['message']) ?? '') : null;
}

function said(answer: HttpAnswer): string {
  return shownText(statusOf(answer) ?? answer.reason);
}

/** @throws Unavailable */
async function tokenIn(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_TOKEN_FILE), 0, MAX_TOKEN_FILE, 0);
      return bytesRead === MAX_TOKEN_FILE ? '' : buffer.toString('utf8', 0, bytesRead).trim();
    } finally {
      await file.close();
    }
  } catch (error) {
    const { fault, remedy } = unreadable(path, error);
    throw new Unavailable(`token_file: ${fault}; ${remedy}`);
  }
}
