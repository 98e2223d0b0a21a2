// SPDX-License-Identifier: Apache-2.0
// One attempt to connect to one broker: TLS, login, virtual host, and a deadline on all of it together.
import { readFileSync } from 'node:fs';
import { connect, credentials } from 'amqplib';
import type { ChannelModel, SocketOptions } from 'amqplib';
import { ConfError } from '../exception.js';
import { withDeadline } from '../net/deadline.js';
import { shownPath, unreadableOption } from '../option-file.js';
import { checkIdentity } from '../tls/client-identity.js';
import { holdsCertificate } from '../tls/pem.js';
import { serverNameFault } from '../tls/server-name.js';
import { BrokerFault } from './broker-fault.js';
import { earlyEnd } from './early-end.js';
import type { BrokerHost, BrokerTarget, RabbitOptions } from './transport-url.js';

/** An open connection. */
export type Connection = ChannelModel;

const GROUP = 'oslo_messaging_rabbit';
const CONNECT_MS = 10_000;
/** A frame larger than this closes the connection; the frames that are agreed on have 128 KiB. */
const MAX_FRAME = 1_048_576;

type FileOption = 'sslCaFile' | 'sslCertFile' | 'sslKeyFile';
const FILE_OPTIONS: Readonly<Record<FileOption, string>> = {
  sslCaFile: 'ssl_ca_file',
  sslCertFile: 'ssl_cert_file',
  sslKeyFile: 'ssl_key_file',
};

function readPem(path: string): string {
  return readFileSync(path, 'utf8');
}

/**
 * Checks what can be checked without a broker.
 *
 * @throws ConfError when a file of TLS cannot be read or holds nothing of its kind, a key or a certificate misses the other,
 *   or the login method is none, or cannot work
 */
export function checkRabbitOptions(options: RabbitOptions): void {
  if (options.rabbitLoginMethod === 'RABBIT-CR-DEMO')
    throw new ConfError(
      GROUP,
      'rabbit_login_method',
      'RABBIT-CR-DEMO is no login for production',
      'use PLAIN, AMQPLAIN or EXTERNAL',
    );
  if (options.rabbitLoginMethod === 'EXTERNAL' && !(options.ssl && options.sslCertFile !== ''))
    throw new ConfError(
      GROUP,
      'rabbit_login_method',
      'EXTERNAL without a certificate that says who logs in',
      'set ssl, ssl_cert_file and ssl_key_file, or use PLAIN or AMQPLAIN',
    );
  if (!options.ssl) return;
  if ((options.sslCertFile === '') !== (options.sslKeyFile === ''))
    throw new ConfError(
      GROUP,
      'ssl_key_file',
      'a certificate without its key, or a key alone',
      'name both or none',
    );
  const texts = (Object.keys(FILE_OPTIONS) as FileOption[]).map((option) =>
    readOption(option, options[option]),
  );
  const [, cert = '', key = ''] = texts;
  if (cert === '') return;
  const [certPath, keyPath] = [options.sslCertFile, options.sslKeyFile];
  checkIdentity(GROUP, FILE_OPTIONS.sslKeyFile, { cert, key, certPath, keyPath });
}

/** The text of a file; '' when none is named. */
function readOption(property: FileOption, path: string): string {
  if (path === '') return '';
  const option = FILE_OPTIONS[property];
  let text: string;
  try {
    text = readPem(path);
  } catch (error) {
    throw unreadableOption(GROUP, option, path, error);
  }
  if (property === 'sslKeyFile' || holdsCertificate(text)) return text;
  throw new ConfError(
    ...([GROUP, option, `the file ${shownPath(path)} holds no PEM certificate`] as const),
    property === 'sslCaFile' ? "name the file of the broker's CA" : 'name the file of the certificate',
  );
}

// Read for each attempt, so that the next one uses a renewed certificate.
function tlsOptions(options: RabbitOptions): SocketOptions {
  const { sslCaFile, sslCertFile, sslKeyFile, sslEnforceHostnameVerification } = options;
  return {
    rejectUnauthorized: true,
    ...(sslCaFile === '' ? {} : { ca: readPem(sslCaFile) }),
    ...(sslCertFile === '' ? {} : { cert: readPem(sslCertFile) }),
    ...(sslKeyFile === '' ? {} : { key: readPem(sslKeyFile) }),
    checkServerIdentity: sslEnforceHostnameVerification ? serverNameFault : () => undefined,
  };
}

type Credentials = NonNullable<SocketOptions['credentials']>;

function loginOf(host: BrokerHost, options: RabbitOptions): Credentials {
  switch (options.rabbitLoginMethod) {
    case 'PLAIN':
      return credentials.plain(host.user, host.password.reveal());
    case 'AMQPLAIN':
      return credentials.amqplain(host.user, host.password.reveal());
    case 'EXTERNAL':
      return credentials.external();
    case 'RABBIT-CR-DEMO':
      throw new BrokerFault('login method RABBIT-CR-DEMO is not supported');
  }
}

/** The library declares a connection lost after two silent intervals: together they are the configured time. */
function heartbeatOf(options: RabbitOptions): number {
  const { heartbeatTimeoutThreshold: threshold } = options;
  return threshold === 0 ? 0 : Math.max(1, Math.floor(threshold / 2));
}

/** Ends a connection at once, without the broker's part in it. */
export function destroyConnection(connection: Connection): void {
  const { stream } = connection.connection as unknown as { stream?: { destroy?: (error: Error) => void } };
  // The library reacts to an error only.
  stream?.destroy?.(new BrokerFault('connection given up'));
}

async function open(host: BrokerHost, target: BrokerTarget, clientName: string): Promise<Connection> {
  const { options } = target;
  const connection = await connect(
    {
      protocol: options.ssl ? 'amqps' : 'amqp',
      hostname: host.host,
      port: host.port,
      vhost: encodeURIComponent(target.virtualHost),
      heartbeat: heartbeatOf(options),
      maxFrameSize: MAX_FRAME,
    },
    {
      ...(options.ssl ? tlsOptions(options) : {}),
      noDelay: true,
      keepAlive: true,
      timeout: CONNECT_MS,
      credentials: loginOf(host, options),
      clientProperties: { product: 'Kerbside', connection_name: clientName },
    },
  );
  // Without a listener, a fault of the connection would end the process; the loss itself shows as 'close'.
  connection.on('error', () => undefined);
  const end = earlyEnd(connection);
  if (end !== undefined) throw end;
  return connection;
}

/**
 * Connects to one broker.
 *
 * @param host which one
 * @param target virtual host and options
 * @param clientName the name of the connection at the broker
 * @throws Error of the socket, of TLS or of the broker; BrokerFault when there is no answer in time
 */
export async function connectTo(
  host: BrokerHost,
  target: BrokerTarget,
  clientName: string,
): Promise<Connection> {
  const opening = open(host, target, clientName);
  try {
    return await withDeadline(opening, CONNECT_MS, () => new BrokerFault('no answer'));
  } catch (error) {
    opening.then(destroyConnection, () => undefined);
    throw error;
  }
}
