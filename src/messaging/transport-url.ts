// SPDX-License-Identifier: Apache-2.0
// Transport URLs of oslo.messaging: rabbit://user:password@host:5672,user:password@host:5672/vhost?option=value
// Pure. The password never leaves in a message: a fault names the option and the kind of fault, not the text.
import { OSLO_MESSAGING_RABBIT_GROUP } from '../conf/oslo-messaging-rabbit.js';
import { Secret } from '../conf/secret.js';
import { didYouMean } from '../conf/suggestion.js';
import { propertyName } from '../conf/types.js';
import type { GroupValues, OptionSpec, OptionValue } from '../conf/types.js';
import { readValue, ValueFault } from '../conf/values.js';
import { ConfError } from '../exception.js';

/** The values of [oslo_messaging_rabbit]. */
export type RabbitOptions = GroupValues<typeof OSLO_MESSAGING_RABBIT_GROUP>;

/** One broker. */
export interface BrokerHost {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret;
}

/** Where the broker is and how it is spoken to. */
export interface BrokerTarget {
  /** In the order of the URL; at least one. */
  readonly hosts: readonly BrokerHost[];
  readonly virtualHost: string;
  /** [oslo_messaging_rabbit] with what the query of the URL says. */
  readonly options: RabbitOptions;
}

/** The option that a URL comes from. */
export interface UrlOption {
  readonly group: string;
  readonly option: string;
}

const FORM = 'use rabbit://user:password@host:5672/vhost with reserved characters percent-encoded';
const PORT = 5672;
const MAX_LENGTH = 8192;
const MAX_HOSTS = 32;
/** What kombu logs in with when the URL names nobody. */
const GUEST = 'guest';
const URL_PARTS =
  /^(?<scheme>[A-Za-z][A-Za-z0-9+.-]{0,31}):\/\/(?<hosts>[^/?#]*)(?:\/(?<path>[^?#]*))?(?:\?(?<query>[^#]*))?$/;
const HOST_PARTS = /^(?:(?<account>.*)@)?(?:\[(?<v6>[0-9A-Fa-f:.%]+)\]|(?<name>[^:[\]]+))(?::(?<port>\d+))?$/;

/** Refuses a URL; the message repeats no part of it that could be secret. */
type Refuse = (fault: string, remedy?: string) => ConfError;

function decode(text: string, refuse: Refuse): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refuse('a percent sign that encodes nothing', 'write it as %25');
  }
}

function checkScheme(scheme: string, refuse: Refuse): void {
  switch (scheme.toLowerCase()) {
    case 'rabbit':
    case 'kombu':
      return;
    default:
      throw refuse(`driver "${scheme}" is not supported`, 'Kerbside speaks to RabbitMQ only: use rabbit://');
  }
}

interface Account {
  readonly user: string;
  readonly password: string;
}

function readAccount(text: string | undefined, refuse: Refuse): Account | undefined {
  if (text === undefined || text === '') return undefined;
  const colon = text.indexOf(':');
  const user = decode(colon < 0 ? text : text.slice(0, colon), refuse);
  const password = colon < 0 ? '' : decode(text.slice(colon + 1), refuse);
  if (user === '') throw refuse('a password without a user', FORM);
  return { user, password };
}

interface HostAndAccount {
  readonly host: string;
  readonly port: number;
  readonly account: Account | undefined;
}

function readHost(text: string, refuse: Refuse): HostAndAccount {
  const parts = HOST_PARTS.exec(text)?.groups;
  if (parts === undefined) throw refuse('a host that is not understood', FORM);
  const port = Number(parts['port'] ?? PORT);
  if (port < 1 || port > 65535) throw refuse('a port out of range', 'use 1 to 65535');
  const host = parts['v6'] ?? decode(parts['name'] ?? '', refuse);
  return { host, port, account: readAccount(parts['account'], refuse) };
}

function readHosts(text: string, refuse: Refuse): BrokerHost[] {
  const named = text.split(',').filter((part) => part !== '');
  if (named.length > MAX_HOSTS) throw refuse(`more than ${MAX_HOSTS} hosts`, 'name fewer');
  const found = named.map((part) => readHost(part, refuse));
  if (found.length === 0) throw refuse('no host', FORM);
  const withAccount = found.filter(({ account }) => account !== undefined).length;
  if (withAccount !== 0 && withAccount !== found.length)
    throw refuse(
      'some hosts have a user and others have none',
      'give user and password for each host, or for none',
    );
  return found.map(({ host, port, account }) => ({
    host,
    port,
    user: account?.user ?? GUEST,
    password: new Secret(account?.password ?? GUEST),
  }));
}

function readOverride(key: string, text: string, refuse: Refuse): OptionValue | undefined {
  const { options, ignored } = OSLO_MESSAGING_RABBIT_GROUP;
  if ((ignored as readonly string[]).includes(key)) return undefined;
  const spec: OptionSpec | undefined = Object.hasOwn(options, key)
    ? (options as Readonly<Record<string, OptionSpec>>)[key]
    : undefined;
  if (spec === undefined) {
    // A password with a bare ? in it would end up here.
    const safe = /^[a-z_]{1,64}$/.test(key) ? `"${key}"` : 'a name';
    throw refuse(
      `${safe} in the query is no option of [oslo_messaging_rabbit]${didYouMean(key, Object.keys(options))}`,
      FORM,
    );
  }
  try {
    return readValue(text, spec);
  } catch (error) {
    if (error instanceof ValueFault) throw refuse(`${key} in the query does not fit`, error.remedy);
    throw error;
  }
}

function override(options: RabbitOptions, query: string, refuse: Refuse): RabbitOptions {
  const given = [...new URLSearchParams(query)].flatMap(([key, text]) => {
    const value = readOverride(key, text, refuse);
    return value === undefined ? [] : [[propertyName(key), value] as const];
  });
  // Each value was read by the declaration of its option.
  return { ...options, ...(Object.fromEntries(given) as Partial<RabbitOptions>) };
}

/** `//` is the virtual host "/", and so are `/` and no path at all. */
function readVirtualHost(path: string, refuse: Refuse): string {
  const name = decode(path, refuse);
  if (Buffer.byteLength(name) > 255) throw refuse('a virtual host of more than 255 bytes', FORM);
  return name === '' ? '/' : name;
}

/**
 * Reads a transport URL.
 *
 * @param url the URL
 * @param options [oslo_messaging_rabbit]
 * @param from the option that the URL comes from, for messages
 * @throws ConfError naming that option
 */
export function parseTransportUrl(url: Secret, options: RabbitOptions, from: UrlOption): BrokerTarget {
  const refuse: Refuse = (fault, remedy = FORM) => new ConfError(from.group, from.option, fault, remedy);
  const text = url.reveal().trim();
  if (text.length > MAX_LENGTH) throw refuse(`more than ${MAX_LENGTH} characters`);
  const parts = URL_PARTS.exec(text)?.groups;
  if (parts === undefined)
    throw refuse('not understood as a transport URL (is each @ : / ? # , of the password percent-encoded?)');
  checkScheme(parts['scheme'] ?? '', refuse);
  return {
    hosts: readHosts(parts['hosts'] ?? '', refuse),
    virtualHost: readVirtualHost(parts['path'] ?? '', refuse),
    options: override(options, parts['query'] ?? '', refuse),
  };
}
