// SPDX-License-Identifier: Apache-2.0
// Pictures that refer to earlier ones must all arrive: a paced channel asks its server for others, once, behind the client's INIT,
// unless the client has chosen itself.
import type { ServerAnswers } from './server-answers.js';

/** The compression of one channel. */
export class CompressionChoice {
  private chosen = false;
  private ready = false;

  /** @param possible whether the server takes a PREFERRED_COMPRESSION */
  constructor(private readonly possible: boolean) {}

  /** The client's INIT has come. */
  initialised(): void {
    this.ready = true;
  }

  /** The client has said what it wants. */
  chosenByClient(): void {
    this.chosen = true;
  }

  /** Asks the server, where nobody has and it may be asked. */
  choose(server: ServerAnswers | null): void {
    if (this.chosen || !this.ready || !this.possible) return;
    this.chosen = true;
    server?.preferSelfContainedImages();
  }
}
