// SPDX-License-Identifier: Apache-2.0
// The codec against bytes that real clients and a real QEMU exchanged: decode, re-encode, compare.
import { constants, createPublicKey, privateDecrypt, publicEncrypt } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ClientLink, type ClientLinkEvent } from '../../../../src/console/spice/client-link.js';
import { LINK_ERR } from '../../../../src/console/spice/constants.js';
import {
  encodeAuth,
  encodeLinkError,
  encodeLinkMess,
  encodeLinkReply,
  encodeLinkResult,
} from '../../../../src/console/spice/link-message.js';
import { MessageWalker } from '../../../../src/console/spice/message-walker.js';
import { ServerLink, type ServerLinkEvent } from '../../../../src/console/spice/server-link.js';
import { captured, capturedKey, captures } from '../../../fixtures/captures.js';
import { CountingGate, OPEN_GATE } from '../../../fixtures/header-gate.js';

const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' } as const;
const ANY_MESS = { connectionId: 0, channelType: 1, channelId: 0, commonCaps: [], channelCaps: [] };

function drain(link: ServerLink): ServerLinkEvent[];
function drain(link: ClientLink): ClientLinkEvent[];
function drain(link: ServerLink | ClientLink): (ServerLinkEvent | ClientLinkEvent)[] {
  const events: (ServerLinkEvent | ClientLinkEvent)[] = [];
  for (let event = link.next(); event !== null; event = link.next()) {
    events.push(event);
  }
  return events;
}

function serverEvents(chunks: Buffer[], secured = true): { events: ServerLinkEvent[]; rest: Buffer } {
  const link = new ServerLink({ secured });
  const events = chunks.flatMap((chunk) => {
    link.push(chunk);
    return drain(link);
  });
  return { events, rest: link.rest() };
}

function clientEvents(chunks: Buffer[]): { events: ClientLinkEvent[]; rest: Buffer } {
  const link = new ClientLink(ANY_MESS);
  const events = chunks.flatMap((chunk) => {
    link.push(chunk);
    return drain(link);
  });
  return { events, rest: link.rest() };
}

function only<T extends { type: string }, K extends T['type']>(
  event: T | undefined,
  type: K,
): Extract<T, { type: K }> {
  if (event?.type !== type) {
    throw new Error(`expected ${type}, got ${event?.type ?? 'nothing'}`);
  }
  return event as Extract<T, { type: K }>;
}

const streams = [...captures.handshakes, ...captures.known_key_handshakes].map((entry) => ({
  name: entry.name,
  c2s: captured(entry.c2s),
  s2c: captured(entry.s2c),
}));

describe.each(captures.handshakes)('the recorded handshake $name', (entry) => {
  const c2s = captured(entry.c2s);
  const s2c = captured(entry.s2c);

  it('decodes on the client side and encodes to the same bytes', () => {
    const { events, rest } = serverEvents([c2s]);
    const link = only(events[0], 'link');
    const { ciphertext } = only(events[1], 'ticket');
    expect(events).toHaveLength(2);
    expect(rest).toHaveLength(0);
    expect(link.message).toEqual({
      connectionId: entry.connection_id,
      channelType: entry.channel_type,
      channelId: entry.channel_id,
      commonCaps: entry.client_common_caps,
      channelCaps: entry.client_channel_caps,
    });
    expect(link).toMatchObject({ authSelection: true, miniHeader: true });
    expect(Buffer.concat([encodeLinkMess(link.message), encodeAuth(ciphertext, true)])).toEqual(c2s);
    expect(new ClientLink(link.message).hello()).toEqual(c2s.subarray(0, -132));
    expect(new ClientLink(link.message).encodeAuth(ciphertext, true)).toEqual(c2s.subarray(-132));
  });

  it('decodes on the server side and encodes to the same bytes', () => {
    const { events, rest } = clientEvents([s2c]);
    const reply = only(events[0], 'reply');
    const result = only(events[1], 'result');
    expect(events).toHaveLength(2);
    expect(rest).toHaveLength(0);
    expect(reply).toMatchObject({
      commonCaps: entry.server_common_caps,
      channelCaps: entry.server_channel_caps,
      authSelection: true,
      miniHeader: true,
    });
    expect(result.code).toBe(entry.link_result);
    expect(Buffer.concat([encodeLinkReply(reply), encodeLinkResult(result.code)])).toEqual(s2c);
  });
});

describe.each(captures.known_key_handshakes)('the recorded handshake $name', (entry) => {
  const key = capturedKey(entry.server_private_key);
  const clientStream = captured(entry.c2s);
  const serverStream = captured(entry.s2c);

  it('holds a ticket that its key opens, and gives back all bytes of the client', () => {
    const server = clientEvents([serverStream]);
    const reply = only(server.events[0], 'reply');
    expect(reply.authSelection).toBe(entry.mechanism_word_present);
    // A client decides by the server's capabilities, so the recorded one left the mechanism word out.
    const link = new ServerLink();
    link.push(clientStream.subarray(0, 42));
    const { message } = only(link.next() ?? undefined, 'link');
    const auth = entry.mechanism_word_present ? 46 : 42;
    const ticket = clientStream.subarray(auth, auth + 128);
    expect(privateDecrypt({ key, ...OAEP }, ticket).toString('hex')).toBe(entry.ticket_plain_hex);
    const encoded = [encodeLinkMess(message), encodeAuth(ticket, reply.authSelection)];
    expect(Buffer.concat([...encoded, clientStream.subarray(auth + 128)])).toEqual(clientStream);
  });

  it('shows the public key that belongs to its key, and gives back all bytes of the server', () => {
    const { events, rest } = clientEvents([serverStream]);
    const reply = only(events[0], 'reply');
    const result = only(events[1], 'result');
    expect(createPublicKey(key).export({ format: 'der', type: 'spki' })).toEqual(reply.publicKey);
    expect(Buffer.concat([encodeLinkReply(reply), encodeLinkResult(result.code), rest])).toEqual(
      serverStream,
    );
    expect(result.code).toBe(entry.name === 'knownkey-res7' ? LINK_ERR.PERMISSION_DENIED : LINK_ERR.OK);
  });

  it('has messages behind the result that the walker follows to their end', () => {
    const { events, rest } = clientEvents([serverStream]);
    const walker = new MessageWalker(only(events[0], 'reply').miniHeader, OPEN_GATE);
    walker.walk(rest, rest.length);
    expect(walker.atBoundary).toBe(true);
  });

  it('has a public key that encrypts what its private key decrypts', () => {
    const { events } = clientEvents([serverStream]);
    const publicKey = createPublicKey({
      key: only(events[0], 'reply').publicKey,
      format: 'der',
      type: 'spki',
    });
    const ticket = publicEncrypt({ key: publicKey, ...OAEP }, Buffer.from('s3cret\0'));
    expect(privateDecrypt({ key, ...OAEP }, ticket).toString()).toBe('s3cret\0');
  });
});

describe('a client that shows no AUTH_SELECTION', () => {
  it('sends its ticket without a mechanism word', () => {
    const ticket = Buffer.alloc(128, 7);
    const mess = encodeLinkMess({ ...ANY_MESS, commonCaps: [8], channelCaps: [] });
    const { events, rest } = serverEvents([Buffer.concat([mess, ticket, Buffer.from('more')])]);
    expect(only(events[0], 'link')).toMatchObject({ authSelection: false, miniHeader: true });
    expect(only(events[1], 'ticket').ciphertext).toEqual(ticket);
    expect(rest.toString()).toBe('more');
  });
});

describe.each(captures.error_replies)('the recorded refusal: $desc', (entry) => {
  it('is answered with the same bytes as spice-server', () => {
    // NEED_UNSECURED is a wish of the server's configuration; this proxy never has it.
    const code = entry.error;
    if (code === LINK_ERR.NEED_UNSECURED) {
      expect(encodeLinkError(code)).toEqual(captured(entry.s2c));
      return;
    }
    const { events } = serverEvents([captured(entry.c2s)], code !== LINK_ERR.NEED_SECURED);
    const { reply } = only(events[0], 'reject');
    expect(reply ?? Buffer.alloc(0)).toEqual(captured(entry.s2c));
    expect(events).toHaveLength(1);
  });

  it('is understood by the side that faces a server', () => {
    const { events } = clientEvents([captured(entry.s2c)]);
    expect(events).toEqual(entry.error === null ? [] : [{ type: 'error', code: entry.error }]);
  });
});

describe.each(streams)('the bytes of $name', ({ c2s, s2c, name }) => {
  // Where the client left the mechanism word out by the server's wish, the client side alone cannot be replayed.
  const replayable = !['knownkey-noauthsel', 'knownkey-nocaps'].includes(name);
  const upstream = replayable ? c2s : c2s.subarray(0, 42);

  it('give the same events however they are split', () => {
    const wholeUp = serverEvents([upstream]);
    const wholeDown = clientEvents([s2c]);
    for (let cut = 0; cut <= Math.max(upstream.length, s2c.length); cut += 1) {
      expect(serverEvents([upstream.subarray(0, cut), upstream.subarray(cut)])).toEqual(wholeUp);
      expect(clientEvents([s2c.subarray(0, cut), s2c.subarray(cut)])).toEqual(wholeDown);
    }
    const single = (bytes: Buffer) => [...bytes].map((byte) => Buffer.of(byte));
    expect(serverEvents(single(upstream))).toEqual(wholeUp);
    expect(clientEvents(single(s2c))).toEqual(wholeDown);
  });

  it('give only the first events, and no error, when they end early', () => {
    const wholeUp = serverEvents([upstream]).events;
    const wholeDown = clientEvents([s2c]).events;
    for (let length = 0; length < upstream.length; length += 1) {
      const { events } = serverEvents([upstream.subarray(0, length)]);
      expect(events).toEqual(wholeUp.slice(0, events.length));
    }
    for (let length = 0; length < s2c.length; length += 1) {
      const { events } = clientEvents([s2c.subarray(0, length)]);
      expect(events).toEqual(wholeDown.slice(0, events.length));
    }
  });
});

describe.each(captures.messages)('the recorded message $name', (entry) => {
  const bytes = captured(entry);

  it('has the type and size that it was recorded with, however it is split', () => {
    expect(bytes.readUInt16LE(0)).toBe(entry.type);
    expect(bytes.readUInt32LE(2)).toBe(entry.body_size);
    const allowed = new Uint8Array(400);
    allowed[entry.type] = 1;
    for (let cut = 0; cut < bytes.length; cut += 1) {
      const walker = new MessageWalker(true, new CountingGate(allowed, 1 << 20));
      walker.walk(bytes.subarray(0, cut), cut);
      expect(walker.atBoundary).toBe(cut === 0);
      walker.walk(bytes.subarray(cut), bytes.length - cut);
      expect(walker.atBoundary).toBe(true);
    }
  });
});
