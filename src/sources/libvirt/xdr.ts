// SPDX-License-Identifier: Apache-2.0
// XDR (RFC 4506) as libvirt uses it: big-endian words of four bytes; strings and lists with their length before them. Pure. Every
// length is compared with its bound, and with what is left, before anything is made of it.

/** Bytes that are not what they should be; the message says what is wrong, in a few words. */
export class XdrFault extends Error {}

const WORD = 4;

/** Reads values one after the other. */
export class XdrReader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  /** Bytes that were not read yet. */
  get left(): number {
    return this.bytes.length - this.at;
  }

  /** An unsigned number of 32 bits. @throws XdrFault */
  u32(): number {
    return this.take(WORD).readUInt32BE(0);
  }

  /** A signed number of 32 bits. @throws XdrFault */
  i32(): number {
    return this.take(WORD).readInt32BE(0);
  }

  /** So many bytes, with no length before them; a view. @throws XdrFault */
  fixed(length: number): Buffer {
    const bytes = this.take(length);
    this.take(padding(length));
    return bytes;
  }

  /** A string, as UTF-8. @param max bytes that it may have @throws XdrFault */
  string(max: number): string {
    const length = this.u32();
    if (length > max)
      throw new XdrFault(`a string of ${String(length)} bytes, where ${String(max)} are the most`);
    return this.fixed(length).toString('utf8');
  }

  /** A string that may be absent. @throws XdrFault */
  optionalString(max: number): string | null {
    return this.present() ? this.string(max) : null;
  }

  /** Whether the optional value that follows is there. @throws XdrFault */
  present(): boolean {
    const word = this.u32();
    if (word > 1) throw new XdrFault(`${String(word)} in place of 0 or 1`);
    return word === 1;
  }

  /**
   * A list. @param max items that it may have @param smallest bytes that an item has at least
   * @throws XdrFault
   */
  list<Item>(max: number, smallest: number, item: () => Item): Item[] {
    const length = this.u32();
    if (length > max || length * smallest > this.left)
      throw new XdrFault(`a list of ${String(length)} items, which cannot be`);
    return Array.from({ length }, item);
  }

  private take(length: number): Buffer {
    if (length > this.left)
      throw new XdrFault(`it ends ${String(length - this.left)} bytes before a value does`);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

/** An unsigned number of 32 bits. */
export function xdrU32(value: number): Buffer {
  const bytes = Buffer.alloc(WORD);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A signed number of 32 bits. */
export function xdrI32(value: number): Buffer {
  const bytes = Buffer.alloc(WORD);
  bytes.writeInt32BE(value);
  return bytes;
}

/** A string, as UTF-8. */
export function xdrString(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([xdrU32(bytes.length), bytes, Buffer.alloc(padding(bytes.length))]);
}

/** A string that may be absent. */
export function xdrOptionalString(text: string | null): Buffer {
  return text === null ? xdrU32(0) : Buffer.concat([xdrU32(1), xdrString(text)]);
}

function padding(length: number): number {
  return (WORD - (length % WORD)) % WORD;
}
