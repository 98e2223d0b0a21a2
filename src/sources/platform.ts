// SPDX-License-Identifier: Apache-2.0
// What Kerbside must know of a platform before it has a driver of it: its keys in sources.yaml, what its guests report,
// and how a driver is made.
import type { Conf } from '../conf/index.js';
import type { Consoles } from '../objects/console.js';
import type { SourceDefinition } from '../objects/source.js';
import type { Discovery, SourceDriver } from './driver.js';
import type { FieldReader } from './file/field-reader.js';

/** What a driver is made for. */
export interface SourceOfDriver {
  readonly definition: SourceDefinition;
  /** What its entry in sources.yaml lists; nothing where the definition comes out of the database. */
  readonly listed: Discovery;
}

/** What drivers work with. */
export interface DriverServices {
  readonly consoles: Pick<Consoles, 'connectInfo' | 'put' | 'remove' | 'reported' | 'reportedOne'>;
  readonly conf: {
    readonly sources: Pick<Conf['sources'], 'requestTimeout' | 'discoveryTimeout'>;
    readonly nova: Pick<Conf['nova'], 'requestTimeout' | 'exchangeTimeout'>;
    /** Absent: as the defaults of its options are. */
    readonly guestPolicy?: Pick<Conf['guestPolicy'], 'imageProperties'>;
    readonly keystoneAuthtoken: Pick<Conf['keystoneAuthtoken'], 'authUrl' | 'wwwAuthenticateUri'>;
  };
}

/** `asked`: the platform says what a token stands for; `signed`: its public key does. */
export type TokenExchangeKind = 'asked' | 'signed';

/** One platform. */
export interface Platform {
  /** The keys of its entries in sources.yaml, beyond those that every source has. */
  readonly keys: readonly string[];
  /** Its own word for the key `url`. */
  readonly urlKey?: string;
  /** Its own words for the keys of its login. */
  readonly credentialKeys?: { readonly username: string; readonly password: string };
  /** Bytes of its secret where that may have more than 255. */
  readonly longestPassword?: number;
  /** Whether `url` may be several: a list, or one text with commas or spaces. The definition has them with spaces. */
  readonly severalUrls?: boolean;
  /** Whether its entries list their consoles under `consoles`. */
  readonly listsConsoles?: boolean;
  /** Reads the settings that only its entries have; faults gather in the reader. */
  readonly readOptions?: (fields: FieldReader) => Record<string, string>;
  /** Whether guests report the UUID that their console is known by: then nothing passes before the right one has come. */
  readonly guestReportsUuid: boolean;
  /** Whether its drivers have `mint`: the records then hold no tickets. */
  readonly mintsTickets?: boolean;
  /** Whether a driver needs what the definition says; if not, one can be made without reading the database. */
  readonly needsDefinition: boolean;
  /** How tokens that the platform hands to users are exchanged; absent: it hands out none. */
  readonly exchange?: TokenExchangeKind;
  /** Whether the platform of a source knows the users of this site: their tokens are sent to no other platform. */
  readonly knowsUsers?: (definition: SourceDefinition, conf: DriverServices['conf']) => boolean;
  /** Loads the code of its drivers, which a site without such a source never needs; absent: this release has none. */
  readonly loadDriver?: () => Promise<MakeDriver>;
}

/**
 * Makes the driver of one source.
 * @throws KerbsideException when the definition lacks something, or names a file that cannot be read
 */
export type MakeDriver = (source: SourceOfDriver, services: DriverServices) => SourceDriver;
