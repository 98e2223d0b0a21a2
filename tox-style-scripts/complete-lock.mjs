// SPDX-License-Identifier: Apache-2.0
// Completes package-lock.json after `npm install` on a registry mirror that carries only some platforms: npm then
// leaves the optional packages of the other platforms out, and `npm ci` refuses such a lock file. Their entries
// follow from the lock file itself: the version from the package that asks for them, the platform from their names.
//   node tox-style-scripts/complete-lock.mjs           writes the missing entries
//   node tox-style-scripts/complete-lock.mjs --check   names them and fails; so it does for a package that wants a newer Node
//                                                      than package.json asks for, of which npm warns everybody
import { readFileSync, writeFileSync } from 'node:fs';
import semver from 'semver';

const PATH = 'package-lock.json';
const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const PROCESSORS = ['arm', 'arm64', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'x64'];

const lock = JSON.parse(readFileSync(PATH, 'utf8'));

/** The lock entry of a package such as @swc/core-linux-arm-gnueabihf, or undefined when its name tells no platform. */
function platformEntry(name, version, dev) {
  const words = name.split('/').at(-1).split('-');
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = PROCESSORS.find((processor) => words.includes(processor));
  if (os === undefined || cpu === undefined || !/^\d+\.\d+\.\d+/.test(version)) return undefined;
  const libc = words.at(-1).startsWith('musl')
    ? 'musl'
    : words.at(-1).startsWith('gnu')
      ? 'glibc'
      : undefined;
  return {
    version,
    cpu: [cpu],
    ...(dev ? { dev: true } : {}),
    ...(os === 'linux' && libc !== undefined ? { libc: [libc] } : {}),
    optional: true,
    os: [os],
  };
}

const missing = new Map();
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const known = [`${path}/node_modules/${name}`, `node_modules/${name}`].some(
      (place) => place in lock.packages,
    );
    const made = known ? undefined : platformEntry(name, version, entry.dev);
    if (made !== undefined) missing.set(`node_modules/${name}`, made);
  }
}

/** Packages that do not run under the oldest Node that ours does, with what they want. */
function tooNew() {
  const oldest = semver.minVersion(JSON.parse(readFileSync('package.json', 'utf8')).engines.node);
  return Object.entries(lock.packages).filter(
    ([, { engines }]) => engines?.node !== undefined && !semver.satisfies(oldest, engines.node),
  );
}

if (process.argv.includes('--check')) {
  const unfit = tooNew();
  for (const path of missing.keys())
    console.error(`${PATH}: ${path} is missing; run: node tox-style-scripts/complete-lock.mjs`);
  for (const [path, { version, engines }] of unfit)
    console.error(
      `${PATH}: ${path} ${version} wants Node ${engines.node}; take an older version of it ("overrides")`,
    );
  process.exitCode = missing.size + unfit.length === 0 ? 0 : 1;
} else if (missing.size > 0) {
  const [root, ...others] = [...Object.entries(lock.packages), ...missing];
  others.sort(([a], [b]) => a.localeCompare(b, 'en'));
  lock.packages = Object.fromEntries([root, ...others]);
  writeFileSync(PATH, `${JSON.stringify(lock, undefined, 2)}\n`);
}
