// SPDX-License-Identifier: Apache-2.0
// The handshake with a VNC server up to its ServerInit. Give it each chunk, then take steps until there is none. A server is
// trusted no more than a stranger: every length has a maximum, and only a whole, sane ServerInit is an end.
import { ByteQueue } from './byte-queue.js';
import { answerTo } from './vnc-auth.js';
import {
  CHALLENGE_BYTES,
  MAX_TEXT_BYTES,
  nameLengthOf,
  RfbFault,
  SECURITY,
  SERVER_INIT_BYTES,
  shownText,
  VENCRYPT,
  VERSION,
} from './wire.js';

/** How a server may be spoken to. */
export interface RfbClientOptions {
  /** The preferred one first. */
  readonly schemes: readonly ('vencrypt' | 'none')[];
  /** For VNC authentication; '': there is none. A secret. */
  readonly password: string;
}

/** What is to be done next. */
export type RfbStep =
  | { readonly kind: 'send'; readonly bytes: Buffer }
  /** TLS begins now; what comes from now on is what is within it. */
  | { readonly kind: 'start_tls' }
  /** `serverInit` whole, and what came behind it. */
  | { readonly kind: 'done'; readonly serverInit: Buffer; readonly rest: Buffer };

type State =
  | 'version'
  | 'types'
  | 'vencrypt_version'
  | 'vencrypt_ack'
  | 'vencrypt_types'
  | 'vencrypt_chosen'
  | 'challenge'
  | 'result'
  | 'init'
  | 'done';

const VENCRYPT_VERSION = Buffer.from([0, 2]);
/** Shared: other viewers stay (RFC 6143, section 7.3.1). */
const CLIENT_INIT = Buffer.from([1]);

/** One handshake. */
export class RfbClient {
  private readonly queue = new ByteQueue();
  private state: State = 'version';
  private subtype: number | null = null;
  private asked: 'none' | 'password' = 'none';

  constructor(private readonly options: RfbClientOptions) {}

  /** Adds bytes of the server. @throws RfbFault when too many are unread */
  push(chunk: Buffer): void {
    this.queue.push(chunk);
  }

  /** The next step; null: more bytes are needed, or it is done. @throws RfbFault */
  next(): RfbStep | null {
    switch (this.state) {
      case 'version':
        return this.readVersion();
      case 'types':
        return this.readTypes();
      case 'vencrypt_version':
        return this.readVencryptVersion();
      case 'vencrypt_ack':
        return this.readVencryptAck();
      case 'vencrypt_types':
        return this.readVencryptTypes();
      case 'vencrypt_chosen':
        return this.readVencryptChosen();
      case 'challenge':
        return this.readChallenge();
      case 'result':
        return this.readResult();
      case 'init':
        return this.readInit();
      case 'done':
        return null;
    }
  }

  private readVersion(): RfbStep | null {
    const bytes = this.queue.take(VERSION.length);
    if (bytes === null) return null;
    const [, major = '', minor = ''] = /^RFB (\d{3})\.(\d{3})\n$/.exec(bytes.toString('latin1')) ?? [];
    if (major === '') throw new RfbFault('protocol', 'not a VNC server: it does not begin with "RFB"');
    if (Number(major) < 3 || (Number(major) === 3 && Number(minor) < 8))
      throw new RfbFault(
        'protocol',
        `the server speaks RFB ${Number(major)}.${Number(minor)}; 3.8 is needed`,
      );
    return this.send(VERSION, 'types');
  }

  private readTypes(): RfbStep | null {
    const count = this.queue.peek(1)?.readUInt8(0);
    if (count === undefined) return null;
    if (count === 0) return this.refused(1);
    const types = this.queue.take(1 + count)?.subarray(1);
    if (types === undefined) return null;
    const chosen = this.choose(types);
    switch (chosen) {
      case SECURITY.vencrypt:
        return this.send(Buffer.from([chosen]), 'vencrypt_version');
      case SECURITY.vncAuth:
        return this.send(Buffer.from([chosen]), 'challenge');
      case SECURITY.none:
        return this.send(Buffer.from([chosen]), 'result');
    }
  }

  private choose(offered: Buffer): 1 | 2 | 19 {
    const { schemes, password } = this.options;
    for (const scheme of schemes) {
      if (scheme === 'vencrypt' && offered.includes(SECURITY.vencrypt)) return SECURITY.vencrypt;
      if (scheme === 'none' && offered.includes(SECURITY.none)) return SECURITY.none;
    }
    if (schemes.includes('none') && password !== '' && offered.includes(SECURITY.vncAuth))
      return SECURITY.vncAuth;
    const wanted = [...schemes, ...(password === '' ? [] : ['VNC authentication'])].join(', ');
    throw new RfbFault(
      'refused',
      `the server offers security types ${[...offered].join(', ')}; permitted are ${wanted}`,
    );
  }

  private readVencryptVersion(): RfbStep | null {
    const version = this.queue.take(2);
    if (version === null) return null;
    if (version.readUInt16BE(0) < 2)
      throw new RfbFault('protocol', `VeNCrypt ${version.join('.')} is not spoken; 0.2 is`);
    return this.send(VENCRYPT_VERSION, 'vencrypt_ack');
  }

  private readVencryptAck(): RfbStep | null {
    const ack = this.queue.take(1)?.readUInt8(0);
    if (ack === undefined) return null;
    if (ack !== 0) throw new RfbFault('refused', 'the server does not take VeNCrypt 0.2');
    this.state = 'vencrypt_types';
    return this.next();
  }

  private readVencryptTypes(): RfbStep | null {
    const count = this.queue.peek(1)?.readUInt8(0);
    if (count === undefined) return null;
    const listed = this.queue.take(1 + 4 * count);
    if (listed === null) return null;
    const types = Array.from({ length: count }, (_unused, at) => listed.readUInt32BE(1 + 4 * at));
    const password = this.options.password !== '';
    const chosen =
      password && types.includes(VENCRYPT.x509Vnc)
        ? VENCRYPT.x509Vnc
        : types.includes(VENCRYPT.x509None)
          ? VENCRYPT.x509None
          : undefined;
    if (chosen === undefined)
      throw new RfbFault(
        'refused',
        `the server offers VeNCrypt subtypes ${types.join(', ') || 'none'}; X509None (260) is used` +
          (password ? ', or X509Vnc (261)' : '; X509Vnc (261) needs a ticket'),
      );
    this.subtype = chosen;
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(chosen);
    return this.send(bytes, 'vencrypt_chosen');
  }

  private readVencryptChosen(): RfbStep | null {
    const ack = this.queue.take(1)?.readUInt8(0);
    if (ack === undefined) return null;
    if (ack !== 1)
      throw new RfbFault('refused', 'the server does not take the VeNCrypt subtype that it has offered');
    // Bytes in the clear must not pass for what is within TLS.
    if (this.queue.takeAll().length > 0)
      throw new RfbFault('protocol', 'the server sends before TLS is there');
    this.state = this.subtype === VENCRYPT.x509Vnc ? 'challenge' : 'result';
    return { kind: 'start_tls' };
  }

  private readChallenge(): RfbStep | null {
    const challenge = this.queue.take(CHALLENGE_BYTES);
    if (challenge === null) return null;
    this.asked = 'password';
    return this.send(answerTo(challenge, this.options.password), 'result');
  }

  private readResult(): RfbStep | null {
    const result = this.queue.peek(4)?.readUInt32BE(0);
    if (result === undefined) return null;
    if (result !== 0) return this.refused(4);
    this.queue.take(4);
    return this.send(CLIENT_INIT, 'init');
  }

  private readInit(): RfbStep | null {
    const head = this.queue.peek(SERVER_INIT_BYTES);
    if (head === null) return null;
    const serverInit = this.queue.take(SERVER_INIT_BYTES + nameLengthOf(head));
    if (serverInit === null) return null;
    this.state = 'done';
    return { kind: 'done', serverInit, rest: this.queue.takeAll() };
  }

  /** The reason of a refusal follows (RFC 6143, section 7.1.2). @param at bytes before its length */
  private refused(at: number): null {
    const length = this.queue.peek(at + 4)?.readUInt32BE(at);
    if (length === undefined) return null;
    const reason = this.queue.peek(at + 4 + Math.min(length, MAX_TEXT_BYTES))?.subarray(at + 4);
    if (reason === undefined) return null;
    throw new RfbFault(
      this.asked === 'password' ? 'password' : 'refused',
      `the VNC server refuses: ${shownText(reason)}`,
    );
  }

  private send(bytes: Buffer, then: State): RfbStep {
    this.state = then;
    return { kind: 'send', bytes };
  }
}
