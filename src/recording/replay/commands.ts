// SPDX-License-Identifier: Apache-2.0
// How a replay is steered: by keys in the viewer's window, and by the same keys on the terminal.
import process from 'node:process';

/** What can be asked of a replay. */
export type Command = 'pause' | 'faster' | 'slower' | 'ahead' | 'quit';

/** Scancodes of a PC keyboard, as KEY_DOWN has them: the prefix of an extended key is its first byte. */
const BY_SCANCODE: Readonly<Record<number, Command>> = {
  ...{ 0x39: 'pause', 0x0d: 'faster', 0x4e: 'faster', 0x0c: 'slower', 0x4a: 'slower' },
  0x4de0: 'ahead',
};

const BY_TEXT: Readonly<Record<string, Command>> = {
  ...{ ' ': 'pause', '+': 'faster', '=': 'faster', '-': 'slower', '\u001b[C': 'ahead' },
  ...{ q: 'quit', '\u0003': 'quit' },
};

/** What a key of the viewer asks for; null: nothing. */
export function keyCommand(scancode: number): Command | null {
  return BY_SCANCODE[scancode] ?? null;
}

/** Reads keys of the terminal, where there is one. @returns ends that */
export function terminalCommands(told: (command: Command) => void): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) return () => undefined;
  const take = (text: Buffer): void => {
    const command = BY_TEXT[text.toString('latin1')];
    if (command !== undefined) told(command);
  };
  stdin.setRawMode(true);
  stdin.on('data', take);
  return () => {
    stdin.off('data', take);
    stdin.setRawMode(false);
    stdin.pause();
  };
}
