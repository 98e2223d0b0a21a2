// SPDX-License-Identifier: Apache-2.0
// The whole configuration: which of several places wins, what is refused, and what is warned about.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from '@jest/globals';
import { checkSeed, describeConf, inspectConf, loadConf } from '../../../src/conf/index.js';
import type { LoadedConf } from '../../../src/conf/index.js';
import { ConfError, StartupError, StartupFaults } from '../../../src/exception.js';

const folder = mkdtempSync(join(tmpdir(), 'kerbside-conf-'));
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
function file(text: string): string {
  count += 1;
  const path = join(folder, `${count}.conf`);
  writeFileSync(path, text);
  return path;
}

function load(env: NodeJS.ProcessEnv, ...texts: string[]): LoadedConf {
  return loadConf({ configFiles: [file(''), ...texts.map(file)], configDirs: [] }, env);
}

function messageOf(env: NodeJS.ProcessEnv, ...texts: string[]): string {
  try {
    load(env, ...texts);
  } catch (error) {
    if (error instanceof StartupError) return error.message;
  }
  return 'no error';
}

describe('loadConf', () => {
  it('has a default for everything', () => {
    const { conf, warnings } = load({});
    expect(warnings).toEqual([]);
    expect(conf.api).toMatchObject({ address: '::', port: 13002, tokenTtl: 3600, maxLimit: 1000 });
    expect(conf.console).toEqual({
      ...{ tokenTtl: 600, reconnectGrace: 60, concurrentSessions: 'auto' },
      ...{ messageScreen: 'off', messageScreenTime: 60, maxMessageScreens: 300 },
    });
    expect(conf.spice).toMatchObject({
      securePort: 5900,
      insecurePort: 5901,
      workers: 1,
      publicFqdn: hostname(),
    });
    expect(conf.proxy).toMatchObject({ maxConnections: 20000, maxHalfOpenPerAddress: 64, idleTimeout: {} });
    expect(conf.metrics).toEqual({
      address: '127.0.0.1',
      port: 13003,
      conductorPort: 13004,
      html5proxyPort: 13005,
    });
    expect(conf.default.nodeName).toBe(hostname());
    expect(conf.database.connection).toBe('sqlite:////var/lib/kerbside/kerbside.sqlite');
    expect(conf.database.encryptionKeyFile).toBe('/var/lib/kerbside/encryption.key');
  });

  it('has the ports that clients are told follow those that Kerbside listens on', () => {
    const { spice } = load({ OS_SPICE__SECURE_PORT: '5898', OS_SPICE__INSECURE_PORT: '5899' }).conf;
    expect(spice).toMatchObject({ publicSecurePort: 5898, publicInsecurePort: 5899 });
    const told = load({ OS_SPICE__SECURE_PORT: '5898', KERBSIDE_PUBLIC_SECURE_PORT: '443' }).conf.spice;
    expect(told).toMatchObject({ publicSecurePort: 443, publicInsecurePort: 5901 });
  });

  it('asks for the port that clients are told when any free one is listened on', () => {
    expect(messageOf({ OS_SPICE__SECURE_PORT: '0' })).toBe(
      '[spice] public_secure_port: 0 is less than 1 (from the default, $secure_port); give a port number from 1 to 65535',
    );
  });

  it('puts the key beside the SQLite file, and into the state path on MySQL', () => {
    const keyOf = (url: string): string =>
      load({ OS_DATABASE__CONNECTION: url }).conf.database.encryptionKeyFile;
    expect(keyOf('sqlite:////srv/k/k.sqlite')).toBe('/srv/k/encryption.key');
    expect(keyOf('sqlite:///k.sqlite')).toBe('encryption.key');
    expect(keyOf('sqlite:///:memory:')).toBe('/var/lib/kerbside/encryption.key');
    expect(keyOf('mysql+pymysql://u:p@db:3306/kerbside')).toBe('/var/lib/kerbside/encryption.key');
  });

  it('puts options in the place of references, in files, defaults and OS_ names, and nowhere else', () => {
    const { conf } = load(
      {
        OS_HTML5PROXY__ALLOWED_ORIGINS: '${spice.public_fqdn},other.example',
        KERBSIDE_CACERT_PATH: '$state_path/ca.pem',
      },
      '[DEFAULT]\nstate_path = /srv/k\n[spice]\ncert_path = $state_path/a.pem,$state_path/b.pem\n' +
        'key_path = ${state_path}/a.key,${state_path}/b.key\npublic_fqdn = spice.example.com\n',
    );
    expect(conf.database.connection).toBe('sqlite:////srv/k/kerbside.sqlite');
    expect(conf.database.encryptionKeyFile).toBe('/srv/k/encryption.key');
    expect(conf.spice.certPath).toEqual(['/srv/k/a.pem', '/srv/k/b.pem']);
    expect(conf.html5proxy.allowedOrigins).toEqual(['spice.example.com', 'other.example']);
    expect(conf.spice.cacertPath).toBe('$state_path/ca.pem');
    expect(load({ OS_DATABASE__CONNECTION: '' }).conf.database.connection).toBe(
      'sqlite:////var/lib/kerbside/kerbside.sqlite',
    );
  });

  it('prefers OS_ names over older names over later files over earlier files over defaults', () => {
    const files = ['[api]\nport = 1\n[console]\ntoken_ttl = 11\n', '[api]\nport = 2\n'];
    expect(load({}, ...files).conf.api.port).toBe(2);
    expect(load({}, ...files).conf.console.tokenTtl).toBe(11);
    expect(load({ KERBSIDE_API_PORT: '3' }, ...files).conf.api.port).toBe(3);
    expect(load({ KERBSIDE_API_PORT: '3', OS_API__PORT: '4' }, ...files).conf.api.port).toBe(4);
  });

  it('reads the *.conf files of a directory in order, after the files', () => {
    const directory = join(folder, 'conf.d');
    mkdirSync(directory);
    writeFileSync(join(directory, '20.conf'), '[api]\nport = 20\n');
    writeFileSync(join(directory, '10.conf'), '[api]\nport = 10\n[metrics]\nport = 10\n');
    writeFileSync(join(directory, 'note.txt'), 'not a configuration');
    const { conf } = loadConf({ configFiles: [file('[api]\nport = 1\n')], configDirs: [directory] }, {});
    expect([conf.api.port, conf.metrics.port]).toEqual([20, 10]);
  });

  it('warns exactly once for each older name and says what to use', () => {
    const { conf, warnings } = load({ KERBSIDE_API_PORT: '1', KERBSIDE_CONSOLE_TOKEN_DURATION: '2' });
    expect([conf.api.port, conf.console.tokenTtl]).toEqual([1, 120]);
    expect(warnings).toEqual([
      'KERBSIDE_API_PORT is a deprecated name: use [api] port or OS_API__PORT',
      'KERBSIDE_CONSOLE_TOKEN_DURATION is a deprecated name: use [console] token_ttl or OS_CONSOLE__TOKEN_TTL, ' +
        'in seconds instead of minutes',
    ]);
    expect(load({ KERBSIDE_API_PORT: '1', OS_API__PORT: '2' }).warnings).toEqual([
      'KERBSIDE_API_PORT is ignored because OS_API__PORT is set: use [api] port or OS_API__PORT',
    ]);
  });

  it('takes the old word for standard output', () => {
    expect(load({ KERBSIDE_LOG_OUTPUT_PATH: 'stdout' }).conf.default.logFile).toBe('');
  });

  it('accepts older names without a counterpart, and points at mistyped ones', () => {
    const { warnings } = load({
      KERBSIDE_API_SOCKET_PATH: 'x',
      KERBSIDE_API_PROT: '1',
      OS_API__PRT: '1',
      OS_AUTH_URL: 'x',
    });
    expect(warnings).toEqual([
      'KERBSIDE_API_PROT is not a name that Kerbside reads; did you mean KERBSIDE_API_PORT?',
      'KERBSIDE_API_SOCKET_PATH is not used by this release',
      'OS_API__PRT is not an option of [api]; did you mean OS_API__PORT?',
    ]);
  });

  it('points at unknown groups and options of a file', () => {
    const { warnings } = load(
      {},
      '[api]\nadress = ::1\n[Proxies]\na = 1\nb = 2\n[cinder]\nc = 3\n[keystone_authtoken]\nmemcached_servers = a:1\n',
    );
    const path = join(folder, `${count}.conf`);
    expect(warnings).toEqual([
      `${path} line 2: [api] adress is not an option; did you mean address?`,
      `${path} line 4: [Proxies] is not a group of kerbside, its options are ignored`,
      `${path} line 7: [cinder] is not a group of kerbside, its options are ignored`,
    ]);
  });

  it('takes the last of a repeated option with a warning, and joins repeated lists', () => {
    const { conf, warnings } = load(
      {},
      '[api]\nport = 1\nport = 2\n[spice]\naddress = ::1\naddress = 127.0.0.1\n',
    );
    expect([conf.api.port, conf.spice.address]).toEqual([2, ['::1', '127.0.0.1']]);
    expect(warnings).toEqual([
      expect.stringMatching(/conf: \[api\] port is set more than once \(lines 2, 3\)/),
    ]);
  });

  it.each([
    [
      { KERBSIDE_API_PORT: 'banana' },
      '[api] port: "banana" is not a port number (from KERBSIDE_API_PORT); give a port number from 0 to 65535',
    ],
    [
      { OS_API__PORT: '70000' },
      '[api] port: 70000 is more than 65535 (from OS_API__PORT); give a port number from 0 to 65535',
    ],
    [
      { KERBSIDE_CONSOLE_TOKEN_DURATION: '1.5' },
      '[console] token_ttl: "1.5" is not a whole number of minutes (from KERBSIDE_CONSOLE_TOKEN_DURATION); give whole minutes, such as 10',
    ],
    [
      { KERBSIDE_FIREWALL_MODE: 'enforec' },
      '[firewall] mode: "enforec" is not one of the possible values; did you mean enforce? (from KERBSIDE_FIREWALL_MODE); give one of enforce, warn, off',
    ],
    [
      { OS_DATABASE__CONNECTION: 'postgresql://u:hunter2@h/d' },
      '[database] connection: "postgresql://u:***@h/d" does not fit',
    ],
    [
      { OS_SPICE__KEY_PATH: 'a,b' },
      '[spice] key_path: 2 keys for 1 certificates in cert_path; name one key for each certificate, in the same order',
    ],
  ])('refuses %j with group, option, value and remedy', (env, message) => {
    expect(messageOf(env)).toContain(message);
    expect(messageOf(env)).not.toContain('\n');
  });

  it('names file and line of a bad value', () => {
    const message = messageOf({}, '[api]\n\nport = x\n');
    expect(message).toBe(
      `[api] port: "x" is not a port number (from ${join(folder, `${count}.conf`)} line 3); give a port number from 0 to 65535`,
    );
  });

  it('names every value that does not fit, each once, however many options refer to it', () => {
    const env = {
      ...{ OS_API__PORT: 'x', OS_SPICE__SECURE_PORT: 'y', OS_SPICE__KEY_PATH: 'a,b' },
      ...{ OS_DEFAULT__SERVICE_DOWN_TIME: 'z', OS_CONSOLE__TOKEN_TTL: '0' },
    };
    let caught: unknown;
    try {
      load(env);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(StartupFaults);
    expect((caught as StartupFaults).faults).toEqual([
      expect.stringMatching(/^\[DEFAULT\] service_down_time: "z"/),
      expect.stringMatching(/^\[api\] port: "x"/),
      expect.stringMatching(/^\[console\] token_ttl: 0 is less/),
      expect.stringMatching(/^\[spice\] secure_port: "y"/),
      expect.stringMatching(/^\[spice\] key_path: 2 keys/),
    ]);
  });

  it('tells which options can be used beside those that cannot', () => {
    const env = { OS_API__PORT: 'x', OS_SPICE__SECURE_PORT: '5898' };
    const inspected = inspectConf({ configFiles: ['/dev/null'], configDirs: [] }, env);
    expect(inspected.conf.spice.publicSecurePort).toBe(5898);
    expect(
      [['spice'], ['api.address'], ['api.port'], ['api'], ['spice.secure_port', 'api.port']].map((names) =>
        inspected.isSound(...names),
      ),
    ).toEqual([true, true, false, false, false]);
  });

  it('throws a ConfError for a bad value', () => {
    expect(() => load({ OS_API__PORT: 'x' })).toThrow(ConfError);
  });

  it('is frozen', () => {
    const { conf } = load({});
    expect([conf, conf.api, conf.spice.address, conf.proxy.idleTimeout].every(Object.isFrozen)).toBe(true);
  });

  it('keeps the seed out of everything that prints the configuration', () => {
    const { conf } = load({
      OS_API__AUTH_SECRET_SEED: 'hunter2',
      OS_DATABASE__CONNECTION: 'mysql://u:swordfish@h/d',
    });
    expect(inspect(conf, { depth: 9 }) + JSON.stringify(conf)).not.toContain('hunter2');
    expect(describeConf(conf).join()).not.toMatch(/hunter2|swordfish/);
    expect(describeConf(conf)).toContain('[api] port = 13002');
    expect(conf.api.authSecretSeed.reveal()).toBe('hunter2');
  });
});

describe('checkSeed', () => {
  it.each([undefined, '', '   ', '~~unconfigured~~'])('refuses the seed %j', (seed) => {
    const { conf } = load({ KERBSIDE_AUTH_SECRET_SEED: seed });
    expect(() => checkSeed(conf)).toThrow(
      /^\[api\] auth_secret_seed: the seed that signs API tokens is not set;/,
    );
  });

  it('warns of a short seed and is content with a long one', () => {
    expect(checkSeed(load({ OS_API__AUTH_SECRET_SEED: 'short' }).conf)).toHaveLength(1);
    expect(checkSeed(load({ OS_API__AUTH_SECRET_SEED: 'x'.repeat(64) }).conf)).toEqual([]);
  });
});
