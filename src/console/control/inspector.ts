// SPDX-License-Identifier: Apache-2.0
// Traffic inspection: a text file for each channel, with a line for each message that is to be seen. It never makes a channel
// wait: lines that the disk does not take are left out, and counted.
import { createWriteStream, type WriteStream } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Conf } from '../../conf/index.js';
import { loggerFor } from '../../log.js';
import type { TappedChannel } from '../recording-wire.js';
import { CHANNEL, channelName } from '../spice/constants.js';
import { MessageCutter } from '../spice/message-cutter.js';
import { FIELD_BYTES, messageFields } from '../spice/message-fields.js';
import { messageName } from '../spice/message-names.js';
import { CLIENT_MESSAGE } from '../spice/message-types.js';
import type { LiveChannel } from './channel-registry.js';
import type { RecordedChannel } from './recorder.js';

const log = loggerFor('kerbside.console.inspector');

/** Bytes of lines of one channel that may wait for the disk. */
const WAITING_MAX_BYTES = 256 * 1024;
const OWNER_ONLY = 0o600;
const { KEY_DOWN, KEY_UP, KEY_MODIFIERS, KEY_SCANCODE } = CLIENT_MESSAGE.inputs;
const KEYS: ReadonlySet<number> = new Set([KEY_DOWN, KEY_UP, KEY_MODIFIERS, KEY_SCANCODE]);

type Settings = Conf['inspection'];
type Way = 'up' | 'down';

/** Inspects channels of this node. */
export class Inspector {
  private readonly open = new Set<ChannelLog>();
  private readonly budget: { left: number; told: boolean };

  constructor(private readonly settings: Settings) {
    this.budget = { left: settings.maxBytes, told: false };
  }

  /** Whether channels are inspected. */
  get active(): boolean {
    return this.settings.mode !== 'off' && this.settings.path !== '' && this.budget.left > 0;
  }

  /** The channel has begun: takes what is told of it; null: it is not inspected. */
  begin({ sessionId }: LiveChannel, tapped: TappedChannel): RecordedChannel | null {
    if (!this.active) return null;
    const channel = new ChannelLog(sessionId, tapped, this.settings, this.budget);
    this.open.add(channel);
    const close = (): void => {
      this.open.delete(channel);
      void channel.close();
    };
    return { data: (up, bytes, at) => channel.data(up ? 'up' : 'down', bytes, at), close, lost: close };
  }

  /** Ends all files. */
  async close(): Promise<void> {
    await Promise.all([...this.open].map((channel) => channel.close()));
  }
}

/** The file of one channel. */
class ChannelLog {
  private readonly name: string;
  private readonly stream: WriteStream;
  private readonly cutters: Readonly<Record<Way, MessageCutter>>;
  private at = 0;
  private leftOut = 0;
  private failed = false;

  constructor(
    sessionId: string,
    { channelType, channelId, miniHeader }: TappedChannel,
    settings: Settings,
    private readonly budget: { left: number; told: boolean },
  ) {
    const type = channelName(channelType) ?? 'unknown';
    this.name = `${type}:${channelId}`;
    const safe = sessionId.replaceAll(/[^0-9A-Za-z-]/g, '').slice(0, 36);
    const file = `${safe}-${type}-${channelId}-${randomBytes(4).toString('hex')}.log`;
    this.stream = createWriteStream(join(settings.path, file), { flags: 'wx', mode: OWNER_ONLY });
    this.stream.on('error', (error) => {
      if (!this.failed) log.warning('a channel is not inspected any more', { session: sessionId, error });
      this.failed = true;
    });
    const cutter = (way: Way): MessageCutter =>
      new MessageCutter(miniHeader, new MessageLines(way, channelType, settings, (text) => this.line(text)));
    this.cutters = { up: cutter('up'), down: cutter('down') };
  }

  data(way: Way, bytes: Buffer, at: number): void {
    if (this.failed) return;
    this.at = at;
    this.cutters[way].push(bytes);
  }

  async close(): Promise<void> {
    if (this.failed) return;
    if (this.leftOut > 0) this.stream.write(`${this.leftOut} messages are left out: the disk was too slow\n`);
    this.stream.end();
    await finished(this.stream).catch(() => undefined);
  }

  private line(text: string): void {
    if (this.stream.writableLength > WAITING_MAX_BYTES) {
      this.leftOut += 1;
      return;
    }
    const line = `${new Date(this.at).toISOString()} ${this.name} ${text}\n`;
    this.budget.left -= line.length;
    if (this.budget.left < 0) {
      if (!this.budget.told) log.warning('[inspection] max_bytes is used up: nothing more is inspected');
      this.budget.told = true;
      return;
    }
    this.stream.write(line);
  }
}

/** The messages of one direction as lines. */
class MessageLines {
  private type = 0;
  private size = 0;
  private start: Buffer[] | null = null;
  private have = 0;
  private readonly seen = new Map<number, number>();

  constructor(
    private readonly way: Way,
    private readonly channelType: number,
    private readonly settings: Settings,
    private readonly line: (text: string) => void,
  ) {}

  begin(type: number, size: number): void {
    this.type = type;
    this.size = size;
    this.have = 0;
    this.start = this.isShown(type) ? [] : null;
    if (size === 0) this.finish();
  }

  piece(bytes: Buffer, last: boolean): void {
    if (this.start === null) return;
    if (this.have < FIELD_BYTES) this.start.push(Buffer.from(bytes.subarray(0, FIELD_BYTES - this.have)));
    this.have += bytes.length;
    if (last) this.finish();
  }

  private isShown(type: number): boolean {
    const { mode, sample, keystrokes } = this.settings;
    if (!keystrokes && this.way === 'up' && this.channelType === CHANNEL.inputs && KEYS.has(type))
      return false;
    if (mode === 'full') return true;
    const before = this.seen.get(type) ?? 0;
    this.seen.set(type, before + 1);
    return before % sample === 0;
  }

  private finish(): void {
    if (this.start === null) return;
    const { way, channelType, type } = this;
    const arrow = way === 'up' ? 'client->server' : 'server->client';
    const fields = messageFields(channelType, way, type, Buffer.concat(this.start));
    this.start = null;
    this.line([arrow, messageName(channelType, way, type), `${this.size}`, ...fields].join(' '));
  }
}
