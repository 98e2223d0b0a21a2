// SPDX-License-Identifier: Apache-2.0
// What a cloud says of the data that may enter and leave an instance: extra specs of its flavor, properties of its image, its
// own metadata. Flavor and metadata come with the instance; images, and flavors of an old Nova, are asked for and kept for a
// while. What cannot be read counts as the most restrictive there is.
import type { Instance, Members } from '../../compute/instance.js';
import { signalWithin } from '../../net/deadline.js';
import { NOTHING_ALLOWED, type GuestPolicyRules } from '../../objects/guest-policy.js';
import type { CloudGuestPolicy } from '../../objects/guest-policy-levels.js';
import { rulesOfTexts } from '../guest-policy-text.js';

/** Seconds for which an answer is believed, and for which one that failed is not asked for again. */
const BELIEVED = 300;
const PAUSE = 15;
/** A desktop waits for its image no longer than this, milliseconds. */
const PATIENCE_MS = 2000;
/** Answers, and faults that were told, that are remembered. */
const MOST = 1000;
const EXTRA_SPECS = 'kerbside:';
const PROPERTIES = 'kerbside_';
const REMEDY = {
  [EXTRA_SPECS]: '',
  [PROPERTIES]:
    '; where Kerbside is not to ask for images at all, set [guest_policy] image_properties = ignore',
} as const;

/** What the policies of a cloud's instances are read by. */
export interface InstancePolicyParts {
  /** Of Nova before 2.47: the extra specs of a flavor; null when there is no such flavor. */
  readonly extraSpecs: (flavor: string, signal: AbortSignal) => Promise<Members | null>;
  /** The members of an image; null when there is no such image. Absent: images are not asked for. */
  readonly image?: ((id: string, signal: AbortSignal) => Promise<Members | null>) | undefined;
  /** Called with each distinct fault once: what is wrong, where, and what counts until then. */
  readonly report: (fault: string) => void;
  /** Seconds, of a clock that is never set. */
  readonly now?: (() => number) | undefined;
}

interface Kept {
  readonly members: Members | null;
  /** Seconds of the clock. */
  readonly until: number;
}

/** Reads the policies of the instances of one cloud. */
export class InstancePolicies {
  private readonly kept = new Map<string, Kept>();
  /** What is not asked for again before a time, and why. */
  private readonly failed = new Map<string, { readonly why: string; readonly until: number }>();
  private readonly told = new Set<string>();
  private readonly now: () => number;

  constructor(private readonly parts: InstancePolicyParts) {
    this.now = parts.now ?? (() => performance.now() / 1000);
  }

  /**
   * What is said of an instance now. Never rejects.
   * @param before what was said of it when it was last read
   */
  async of(
    instance: Instance,
    before: CloudGuestPolicy | undefined,
    signal: AbortSignal,
  ): Promise<CloudGuestPolicy> {
    const { uuid, imageId, metadata } = instance;
    const deadline = signalWithin(PATIENCE_MS, signal);
    const [flavor, image] = await Promise.all([
      this.ofFlavor(instance, before?.flavor, deadline),
      imageId === null || this.parts.image === undefined ? null : this.ofImage(imageId, before, deadline),
    ]);
    const own = this.read(metadata, PROPERTIES, `metadata of instance ${uuid}`);
    return {
      ...(image === null || imageId === null ? {} : { imageId, image }),
      ...(Object.keys(flavor).length === 0 ? {} : { flavor }),
      ...(Object.keys(own).length === 0 ? {} : { metadata: own }),
    };
  }

  private async ofFlavor(
    { uuid, flavor }: Instance,
    before: GuestPolicyRules | undefined,
    signal: AbortSignal,
  ): Promise<GuestPolicyRules> {
    switch (flavor.kind) {
      case 'embedded':
        return this.read(flavor.extraSpecs, EXTRA_SPECS, `flavor of instance ${uuid}`);
      case 'hidden':
        this.tell(
          `flavor of instance ${uuid}: Nova does not show its extra specs; let the service's user have ` +
            'os_compute_api:servers:show:flavor-extra-specs. Until then nothing is allowed that a flavor may forbid',
        );
        return NOTHING_ALLOWED;
      case 'named':
        return this.asked(`flavor ${flavor.id}`, EXTRA_SPECS, before, () =>
          this.parts.extraSpecs(flavor.id, signal),
        );
    }
  }

  private ofImage(
    id: string,
    before: CloudGuestPolicy | undefined,
    signal: AbortSignal,
  ): Promise<GuestPolicyRules> {
    const known = before?.imageId === id ? before.image : undefined;
    return this.asked(
      `image ${id}`,
      PROPERTIES,
      known,
      async () => (await this.parts.image?.(id, signal)) ?? null,
    );
  }

  /** @param known what is known of it from before, should it not be readable now */
  private async asked(
    what: string,
    prefix: keyof typeof REMEDY,
    known: GuestPolicyRules | undefined,
    ask: () => Promise<Members | null>,
  ): Promise<GuestPolicyRules> {
    const kept = this.kept.get(what);
    const why = kept !== undefined && this.now() < kept.until ? null : await this.fetch(what, ask);
    const found = this.kept.get(what);
    // One that is gone says what it said before it went.
    if (found !== undefined)
      return found.members === null ? (known ?? {}) : this.read(found.members, prefix, what);
    if (known !== undefined) return known;
    this.tell(
      `${what} cannot be read: ${why ?? ''}. Until then nothing is allowed that it may forbid${REMEDY[prefix]}`,
    );
    return NOTHING_ALLOWED;
  }

  /** Asks, and keeps the answer; what was kept before stays when there is none. Gives why there is none. */
  private async fetch(what: string, ask: () => Promise<Members | null>): Promise<string | null> {
    const failed = this.failed.get(what);
    if (failed !== undefined && this.now() < failed.until) return failed.why;
    try {
      const members = await ask();
      this.failed.delete(what);
      put(this.kept, what, {
        members: members ?? this.kept.get(what)?.members ?? null,
        until: this.now() + BELIEVED,
      });
      return null;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      put(this.failed, what, { why, until: this.now() + PAUSE });
      return why;
    }
  }

  private read(texts: Members, prefix: string, where: string): GuestPolicyRules {
    const { rules, faults } = rulesOfTexts(texts, prefix);
    for (const fault of faults) this.tell(`${where}: ${fault}`);
    return rules;
  }

  private tell(fault: string): void {
    if (this.told.has(fault)) return;
    if (this.told.size >= MOST) this.told.clear();
    this.told.add(fault);
    this.parts.report(fault);
  }
}

/** Puts in an entry as the newest; the oldest goes when there are too many. */
function put<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  for (const [oldest] of map) {
    if (map.size <= MOST) return;
    map.delete(oldest);
  }
}
