// SPDX-License-Identifier: Apache-2.0
// Before and after a run of the functional tests: ends the database servers that test files shared, and removes what
// processes of tests left in their scratch folders (fixtures/scratch.ts); those of another run that still goes on stay.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SCRATCH = /^kerbside-tests-(?<pid>\d+)$/;

export default function sweep() {
  for (const place of ['/dev/shm', tmpdir()]) {
    for (const name of entries(place)) {
      const owner = Number(SCRATCH.exec(name)?.groups?.pid ?? 0);
      if (owner === 0 || (owner !== process.pid && isAlive(owner))) continue;
      const folder = join(place, name);
      endServers(folder);
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

// A server has its folder on its command line; whatever else has its number by now has not.
function endServers(folder) {
  for (const pid of entries('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`--datadir=${folder}/`))
        process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended, or is another user's.
    }
  }
}

function entries(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
