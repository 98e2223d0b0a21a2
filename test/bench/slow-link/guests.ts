// SPDX-License-Identifier: Apache-2.0
// The guests of a run: virtual machines that draw what the client asks for, on the displays that clouds give to theirs,
// each with a SPICE server of its own. Emulated in software on purpose, as the other guests of the tests.
import { join } from 'node:path';
import { qmp } from '../../fixtures/qemu.js';
import { type Program, startProgram, waitFor } from '../../fixtures/program.js';
import { readFileSync, writeFileSync } from 'node:fs';
import { type Kernel, writeInitramfs } from './guest-files.js';

/** A kind of guest. */
export interface GuestKind {
  readonly name: string;
  /** For tables. */
  readonly title: string;
  readonly heads: number;
  /** QEMU's words for the display. */
  readonly display: readonly string[];
  /** QEMU's device whose screens are taken; null: there is only one. */
  readonly device: string | null;
  /** Modules of the kernel; none of a display: the VESA framebuffer. */
  readonly modules: readonly string[];
  /** More of QEMU's -spice option. */
  readonly spice?: string;
  /** Its pictures are approximate by the server's own choice, so that they are not compared. */
  readonly lossy?: boolean;
}

const KEYBOARD = ['evdev'];
const VIRTIO = [...KEYBOARD, 'virtio_pci', 'virtio_gpu'];

/** All kinds, the usual one first. */
export const GUESTS: readonly GuestKind[] = [
  {
    name: 'std',
    title: 'std VGA',
    heads: 1,
    display: ['-vga', 'std'],
    device: null,
    modules: KEYBOARD,
  },
  {
    name: 'virtio',
    title: 'virtio-vga',
    heads: 1,
    display: ['-vga', 'none', '-device', 'virtio-vga,id=screen'],
    device: 'screen',
    modules: VIRTIO,
  },
  {
    name: 'qxl',
    title: 'QXL, native driver',
    heads: 1,
    display: ['-vga', 'none', '-device', 'qxl-vga,id=screen'],
    device: null,
    modules: [...KEYBOARD, 'qxl'],
  },
  {
    name: 'heads',
    title: 'virtio-vga, 2 heads',
    heads: 2,
    display: ['-vga', 'none', '-device', 'virtio-vga,id=screen,max_outputs=2'],
    device: 'screen',
    modules: VIRTIO,
  },
  {
    name: 'video',
    title: 'std VGA, streaming-video=all',
    heads: 1,
    display: ['-vga', 'std'],
    device: null,
    modules: KEYBOARD,
    spice: 'streaming-video=all',
    lossy: true,
  },
];

/** What the guest of a kind is started with. */
export interface GuestSettings {
  /** Private folder. */
  readonly dir: string;
  readonly kernel: Kernel;
  /** Path of the compiled guest.c. */
  readonly program: string;
  readonly ticket: string;
  readonly x509Dir: string;
  readonly port: number;
  readonly tlsPort: number;
}

/** A running guest. */
export interface Guest {
  readonly kind: GuestKind;
  /** Writes the server's picture of a head into a PPM file. */
  screenshot(head: number, path: string): Promise<void>;
  stop(): Promise<void>;
}

const START_MS = 300_000;

/** Starts a guest and waits until it has drawn its screen. @throws Error with QEMU's or the guest's words */
export async function startGuest(kind: GuestKind, settings: GuestSettings): Promise<Guest> {
  const files = (name: string): string => join(settings.dir, `${kind.name}.${name}`);
  await writeInitramfs(files('initramfs'), settings.program, settings.kernel, kind.modules);
  writeFileSync(files('serial'), '');
  writeFileSync(files('ticket'), settings.ticket, { mode: 0o600 });
  const program = await startProgram('qemu-system-x86_64', words(kind, settings, files), {
    logFile: files('log'),
  });
  try {
    await started(program, files('serial'));
  } catch (cause) {
    await program.stop(2000);
    const said = `${program.output()}${readFileSync(files('serial'), 'utf8')}`.trim().slice(-1500);
    throw new Error(`the guest "${kind.name}" did not start: ${said}`, { cause });
  }
  return {
    kind,
    screenshot: async (head, path) => {
      const screen = kind.device === null ? {} : { device: kind.device, head };
      await qmp(files('qmp'), 'screendump', { filename: path, ...screen });
    },
    stop: async () => {
      await program.stop(3000);
    },
  };
}

async function started(program: Program, serial: string): Promise<void> {
  const line = await waitFor(
    'READY of the guest',
    () => program.ended() !== null || /^(READY|FAILED) .*/m.exec(readFileSync(serial, 'latin1'))?.[0],
    { giveUpMs: START_MS, everyMs: 200 },
  );
  if (line === true || line.startsWith('FAILED')) throw new Error(line === true ? 'QEMU has ended' : line);
}

function words(kind: GuestKind, settings: GuestSettings, files: (name: string) => string): string[] {
  const { kernel, port, tlsPort, x509Dir } = settings;
  const usesFramebuffer = kind.modules.length === KEYBOARD.length;
  const append = [
    'console=ttyS0 quiet loglevel=3 vt.global_cursor_default=0 mitigations=off',
    // A kernel that was held up for a moment does not call the timer broken; one that panics ends QEMU.
    'no_timer_check panic=1',
    // 1024x768 with 32 bits, in Linux's numbering of VESA modes.
    ...(usesFramebuffer ? ['vga=0x344 -- framebuffer'] : [`-- drm ${kind.heads}`]),
  ];
  const more = kind.spice === undefined ? '' : `,${kind.spice}`;
  return [
    ...['-name', kind.name, '-accel', 'tcg,thread=multi', '-cpu', 'max', '-m', '256', '-smp', '1'],
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', ...kind.display],
    ...['-kernel', kernel.image, '-initrd', files('initramfs'), '-append', append.join(' ')],
    ...['-object', `secret,id=ticket,file=${files('ticket')}`],
    ...['-spice', `port=${port},tls-port=${tlsPort},x509-dir=${x509Dir},password-secret=ticket${more}`],
    ...['-serial', `file:${files('serial')}`, '-qmp', `unix:${files('qmp')},server=on,wait=off`],
  ];
}
