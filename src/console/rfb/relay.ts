// SPDX-License-Identifier: Apache-2.0
// The relay step of a VNC console: bytes as they are, both ways, each leg read only while the other one takes what it is given.
// Nothing is looked at behind ServerInit; what a policy keeps back from guests it keeps back by refusing the console.
import type { ClientConnection, Traffic } from '../connection/client-connection.js';
import { ruleOf, vncForbiddenBy } from '../guest-channels.js';
import type { PacingSummary, PolicyDrop, SessionSettings, Verdict } from '../ipc.js';
import { BackendWriter } from '../relay/backend-writer.js';
import { ClientWriter } from '../relay/client-writer.js';
import { RelayEnd } from '../relay/relay-end.js';
import type { RfbBackend } from './backend-handshake.js';

/** Carries one VNC session. */
export class RfbRelay implements Traffic {
  bytesUp = 0;
  bytesDown = 0;
  private readonly toClient: ClientWriter;
  private readonly toBackend: BackendWriter;
  private readonly ending: RelayEnd;

  /** @param rest what the client has sent already */
  constructor(
    private readonly connection: ClientConnection,
    private readonly backend: RfbBackend,
    private readonly rest: Buffer,
  ) {
    this.toClient = new ClientWriter(connection.client, connection.clientTakesBytesAtOnce);
    this.toBackend = new BackendWriter(backend.leg.socket);
    this.ending = new RelayEnd(connection, backend.leg, () => this.toClient.end());
  }

  /** Relays until one side ends. @throws ConnectionEnded with the reason of the end */
  run(): Promise<never> {
    this.connection.traffic = this;
    return this.ending.wait(() => this.start());
  }

  get untouched(): boolean {
    return this.bytesUp === 0 && !this.toClient.hasWritten;
  }

  verdicts(): Verdict[] {
    return [];
  }

  pacing(): PacingSummary | null {
    return null;
  }

  policyDrops(): PolicyDrop[] {
    return [];
  }

  blockedLeg(): 'client' | 'backend' | null {
    if (this.toClient.busy) return 'client';
    return this.toBackend.busy ? 'backend' : null;
  }

  useSettings({ guestPolicy }: SessionSettings): void {
    const key = vncForbiddenBy(guestPolicy);
    if (key !== null) this.ending.end(`channel forbidden: ${ruleOf(key)}`);
  }

  private start(): void {
    const { client } = this.connection;
    const { leg, early } = this.backend;
    this.toBackend.drained = () => client.resume();
    this.toClient.drained = () => leg.resume();
    this.connection.readBy({
      data: (chunk) => {
        if (!this.up(chunk)) client.pause();
      },
      end: () => this.ending.end('client closed'),
    });
    leg.read((length, buffer) => this.down(buffer.subarray(0, length)));
    this.down(early);
    // Paused since the link stage.
    if (this.rest.length === 0 || this.up(this.rest)) client.resume();
  }

  private up(bytes: Buffer): boolean {
    this.bytesUp += bytes.length;
    return this.toBackend.write(bytes);
  }

  /** In lockstep, as the relay of SPICE: the next chunk is read when this one has gone out. */
  private down(bytes: Buffer): boolean {
    this.bytesDown += bytes.length;
    this.toClient.write(bytes, 0, this.backend.leg.chunkLife);
    return false;
  }
}
