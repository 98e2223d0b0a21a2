// SPDX-License-Identifier: Apache-2.0
// sources.yaml: a list of sources, in the keys of the original. A fault of one source leaves the others alone, and a fault
// of one console the others of its source; only what is no YAML or no list at all is a fault of the whole file. Numbers
// are read as text. Pure: text in, entries out.
import { InvalidInput } from '../../exception.js';
import type { DiscoveredConsole } from '../../objects/console.js';
import { CONSOLE_PROTOCOLS } from '../../objects/console-protocol.js';
import type { SourceDefinition } from '../../objects/source.js';
import { NOTHING_LISTED, type Discovery } from '../driver.js';
import type { Platform } from '../platform.js';
import { PLATFORMS, type SourceType } from '../registry.js';
import { FieldReader, MAX_TICKET_BYTES } from './field-reader.js';
import { OWN_SETTINGS_KEYS, ownSettingsIn } from './own-settings-reader.js';
import { located, YamlFault, YamlFile, type YamlRecord, type YamlValue } from './yaml-record.js';

/** The keys of every entry; `source` is its name. A platform's own are in the registry. */
export const COMMON_KEYS = [
  'source',
  'type',
  'url',
  'username',
  'password',
  'ca_cert',
  ...OWN_SETTINGS_KEYS,
] as const;

const CONSOLE_KEYS = [
  'uuid',
  'name',
  'hypervisor',
  'hypervisor_ip',
  'insecure_port',
  'secure_port',
  'host_subject',
  'ticket',
  'connect_proxy',
  'unix_socket',
  'protocol',
  ...OWN_SETTINGS_KEYS,
] as const;

// Widths of the columns that hold them.
const MAX_NAME = 255;
const MAX_URL = 1024;
const MAX_USERNAME = 255;
const MAX_PASSWORD = 255;
const MAX_HOST_SUBJECT = 1024;

/** One source of the file. */
export interface SourceEntry {
  /** null = an unknown type. */
  readonly type: SourceType | null;
  readonly definition: SourceDefinition;
  /** Consoles of a static source, and those that cannot be read. */
  readonly listed: Discovery;
  /** Every fault with line, column, field and remedy; an entry with faults is not to be used. */
  readonly faults: readonly string[];
  /** Faults of single consoles, which are left out; the others are to be used. */
  readonly consoleFaults: readonly string[];
}

/** The whole file. */
export interface SourcesFile {
  readonly entries: readonly SourceEntry[];
  /** Faults of entries that have no usable name. While there are any, it is not known which sources have left the file. */
  readonly nameless: readonly string[];
  /** What is odd but does no harm. */
  readonly warnings: readonly string[];
}

interface Reading {
  readonly file: YamlFile;
  readonly warnings: string[];
}

/**
 * Reads the text of sources.yaml.
 * @throws YamlFault when it is no YAML or no list; the message begins with line and column
 */
export function parseSources(text: string): SourcesFile {
  const file = new YamlFile(text);
  const root = file.root();
  const items = file.list(root);
  if (items === null) {
    const found = root.kind === 'nothing' ? 'the file is empty' : `the file is a ${root.kind}`;
    throw new YamlFault(
      root.position,
      `${found}; it must be a list of sources ("- source: ..."), or [] for none`,
    );
  }
  const reading: Reading = { file, warnings: [] };
  const nameless: string[] = [];
  const entries = new Map<string, SourceEntry>();
  for (const [index, item] of items.entries()) {
    const entry = readSource(reading, item, index + 1, nameless);
    if (entry === null) continue;
    const name = entry.definition.name;
    const first = entries.get(name);
    entries.set(name, first === undefined ? entry : repeatedSource(first, item));
  }
  return { entries: [...entries.values()], nameless, warnings: reading.warnings };
}

// It is unknown which of the two was meant: neither is used.
function repeatedSource(first: SourceEntry, second: YamlValue): SourceEntry {
  const name = JSON.stringify(first.definition.name);
  const fault = located(
    second.position,
    `source ${name} stands in the file twice; rename or remove one of them`,
  );
  return { ...first, faults: [...first.faults, fault] };
}

function readSource(
  reading: Reading,
  item: YamlValue,
  ordinal: number,
  nameless: string[],
): SourceEntry | null {
  const record = reading.file.record(item);
  if (record === null) {
    nameless.push(
      located(
        item.position,
        `source ${String(ordinal)} is not a record; write "- source: <name>" and its fields below`,
      ),
    );
    return null;
  }
  const name = readName(reading, record, ordinal, nameless);
  if (name === null) return null;

  const faults: string[] = [];
  const fields = new FieldReader(
    reading.file,
    record,
    `source ${JSON.stringify(name)}`,
    faults,
    reading.warnings,
  );
  const type = readType(fields);
  const platform: Platform | undefined = type === null ? undefined : PLATFORMS[type];
  const keys = platform?.keys ?? Object.values<Platform>(PLATFORMS).flatMap(({ keys: own }) => own);
  fields.checkKeys([...COMMON_KEYS, ...keys]);
  const login = platform?.credentialKeys ?? { username: 'username', password: 'password' };
  const definition: SourceDefinition = {
    name,
    type: type ?? 'unknown',
    url: urlIn(fields, platform),
    caCert: fields.certificates('ca_cert'),
    username: fields.text(login.username, MAX_USERNAME),
    password: fields.secret(login.password, platform?.longestPassword ?? MAX_PASSWORD, 'it may have'),
    projectName: fields.text('project_name', MAX_NAME),
    userDomainId: fields.text('user_domain_id', MAX_NAME),
    projectDomainId: fields.text('project_domain_id', MAX_NAME),
    ...ownSettingsIn(fields, 'source'),
    ...(platform?.readOptions === undefined ? {} : { options: platform.readOptions(fields) }),
  };
  const consoleFaults: string[] = [];
  const listed =
    platform?.listsConsoles === true
      ? readConsoles(reading, record, name, { faults, consoleFaults })
      : NOTHING_LISTED;
  return { type, definition, listed, faults, consoleFaults };
}

function readName(reading: Reading, record: YamlRecord, ordinal: number, nameless: string[]): string | null {
  const fields = new FieldReader(
    reading.file,
    record,
    `source ${String(ordinal)}`,
    nameless,
    reading.warnings,
  );
  const before = nameless.length;
  const name = fields.text('source', MAX_NAME);
  if (nameless.length > before) return null;
  if (name === null || name.trim() === '') {
    fields.fault('source', 'is missing; give the source a name');
    return null;
  }
  if (name.includes('/') || name === '.' || name === '..') {
    fields.fault('source', `${JSON.stringify(name)} cannot stand in a URL; give a name without "/"`);
    return null;
  }
  return name;
}

function readType(fields: FieldReader): SourceType | null {
  const type = fields.text('type', MAX_NAME);
  const known = Object.keys(PLATFORMS);
  const match = (known as SourceType[]).find((name) => name === type);
  if (match !== undefined) return match;
  const found = type === null ? 'is missing' : `${JSON.stringify(type)} is unknown`;
  fields.fault('type', `${found}; give one of ${known.join(', ')}`);
  return null;
}

function readConsoles(
  reading: Reading,
  source: YamlRecord,
  name: string,
  { faults, consoleFaults }: { faults: string[]; consoleFaults: string[] },
): Discovery {
  const fields = new FieldReader(
    reading.file,
    source,
    `source ${JSON.stringify(name)}`,
    faults,
    reading.warnings,
  );
  const value = source.values.get('consoles');
  if (value === undefined || value.kind === 'nothing') {
    fields.fault('consoles', 'is missing; list the consoles, or write [] for none');
    return NOTHING_LISTED;
  }
  const items = reading.file.list(value);
  if (items === null) {
    fields.fault('consoles', `is a ${value.kind}; it must be a list of consoles`);
    return NOTHING_LISTED;
  }
  // A UUID that stands twice: the last one counts, as in the original.
  const consoles = new Map<string, DiscoveredConsole>();
  const unread: string[] = [];
  let nameless = false;
  const prefix = `source ${JSON.stringify(name)}, console`;
  for (const [index, item] of items.entries()) {
    const console = readConsole(reading, item, prefix, index + 1, consoleFaults);
    if (console === null) {
      const uuid = uuidOf(reading, reading.file.record(item));
      if (uuid === null) nameless = true;
      else unread.push(uuid);
      continue;
    }
    const key = console.uuid.toLowerCase();
    if (consoles.has(key)) {
      const owner = `source ${JSON.stringify(name)}, console "${console.uuid}"`;
      reading.warnings.push(located(item.position, `${owner} stands in the list twice; the last one counts`));
    }
    consoles.set(key, console);
  }
  return { consoles: [...consoles.values()], unread: { uuids: unread, nameless } };
}

function urlIn(fields: FieldReader, platform: Platform | undefined): string | null {
  return platform?.severalUrls === true
    ? severalUrls(fields)
    : fields.text(platform?.urlKey ?? 'url', MAX_URL);
}

function severalUrls(fields: FieldReader): string | null {
  return fields.texts('url', MAX_URL)?.join(' ') ?? null;
}

/** The uuid of a console with faults, if it has a good one. */
function uuidOf(reading: Reading, record: YamlRecord | null): string | null {
  return record === null ? null : new FieldReader(reading.file, record, '', [], []).uuid('uuid');
}

function readConsole(
  reading: Reading,
  item: YamlValue,
  prefix: string,
  ordinal: number,
  faults: string[],
): DiscoveredConsole | null {
  const record = reading.file.record(item);
  if (record === null) {
    faults.push(
      located(
        item.position,
        `${prefix} ${String(ordinal)} is not a record; write "- uuid: ..." and its fields below`,
      ),
    );
    return null;
  }
  const before = faults.length;
  const label = consoleLabel(record, ordinal);
  const fields = new FieldReader(reading.file, record, `${prefix} ${label}`, faults, reading.warnings);
  fields.checkKeys(CONSOLE_KEYS);
  const uuid = fields.uuid('uuid') ?? '';
  const console: DiscoveredConsole = {
    uuid,
    name: fields.text('name', MAX_NAME) ?? uuid,
    hypervisor: fields.host('hypervisor') ?? '',
    hypervisorIp: fields.host('hypervisor_ip') ?? '',
    insecurePort: fields.port('insecure_port'),
    securePort: fields.port('secure_port'),
    hostSubject: fields.text('host_subject', MAX_HOST_SUBJECT),
    ticket: fields.secret('ticket', MAX_TICKET_BYTES, 'the SPICE password of a hypervisor may have') ?? '',
    ...routeIn(fields),
    ...protocolOf(fields),
    ...ownSettingsIn(fields, 'console'),
  };
  if (faults.length > before) return null;
  checkAddress(console, fields);
  checkVnc(console, fields);
  return faults.length > before ? null : console;
}

function checkAddress(console: DiscoveredConsole, fields: FieldReader): void {
  if (console.unixSocket != null) {
    const ports = { insecure_port: console.insecurePort, secure_port: console.securePort };
    for (const [key, port] of Object.entries(ports))
      if (port !== null)
        fields.fault(key, 'is given beside unix_socket, which has no ports; leave one of them out');
    if (console.connectProxy != null)
      fields.fault(
        'connect_proxy',
        'is given beside unix_socket; a console is reached one way, so leave one of them out',
      );
    return;
  }
  if (console.hypervisor === '' && console.hypervisorIp === '') {
    fields.fault('hypervisor', 'is missing, and so is hypervisor_ip; give at least one of them');
  }
  if (console.insecurePort === null && console.securePort === null) {
    fields.fault('insecure_port', 'is missing, and so is secure_port; give at least one of them');
  }
}

/** A VNC server has one port, and TLS within it. */
function checkVnc({ protocol, securePort }: DiscoveredConsole, fields: FieldReader): void {
  if (protocol !== 'vnc' || securePort === null) return;
  fields.fault(
    'secure_port',
    'is of SPICE, and protocol is vnc; give insecure_port, on which VeNCrypt is, too',
  );
}

function routeIn(fields: FieldReader): Pick<DiscoveredConsole, 'connectProxy' | 'unixSocket'> {
  const connectProxy = fields.connectProxy('connect_proxy');
  const unixSocket = fields.socketPath('unix_socket');
  return {
    ...(connectProxy === null ? {} : { connectProxy }),
    ...(unixSocket === null ? {} : { unixSocket }),
  };
}

function protocolOf(fields: FieldReader): Pick<DiscoveredConsole, 'protocol'> {
  const protocol = fields.word('protocol', CONSOLE_PROTOCOLS);
  return protocol === 'vnc' ? { protocol } : {};
}

function consoleLabel(record: YamlRecord, ordinal: number): string {
  const known = record.values.get('uuid')?.text || record.values.get('name')?.text;
  return known === undefined || known === '' || known.length > MAX_NAME
    ? String(ordinal)
    : JSON.stringify(known);
}

/** The error text of an entry with faults, for the API: the first few, and how many more there are. */
export function faultText(faults: readonly string[]): string {
  const shown = faults.slice(0, 3).join('; ');
  return faults.length > 3 ? `${shown}; and ${String(faults.length - 3)} more` : shown;
}

/** @throws InvalidInput for text that is no UTF-8, or begins with the mark of another encoding */
export function decodeSources(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new InvalidInput('the file is not UTF-8 text; save it as UTF-8', { cause });
  }
}
