// SPDX-License-Identifier: Apache-2.0
// What Kerbside itself makes of the files that its role writes; run by short/kolla-ansible.sh with the built programs.
//   check.mjs options FILE...   every option is one of this release, and its value fits
//   check.mjs sources FILE      every entry can be used
//   check.mjs metrics FILE...   every metric that dashboard and rules name is documented
//   check.mjs log FILE          the expression of a fluentd input takes real lines of the log apart
// What does not hold is written out; exit status 1 then.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { loadConf } from '../../../dist/conf/index.js';
import { configureLogging, loggerFor } from '../../../dist/log.js';
import { decodeSources, parseSources } from '../../../dist/sources/file/sources-file.js';

const read = (path) => readFileSync(path, 'utf8');

function options(files) {
  return files.flatMap((file) => {
    try {
      return [...loadConf({ configFiles: [file], configDirs: [] }, {}).warnings];
    } catch (error) {
      return [`${file}: ${error.message}`];
    }
  });
}

function sources([file]) {
  const { entries, nameless, warnings } = parseSources(decodeSources(readFileSync(file)));
  if (entries.length === 0) return [`${file} has no entry`];
  return [...nameless, ...warnings, ...entries.flatMap((entry) => [...entry.faults])];
}

function metrics(files) {
  const documented = read('doc/source/reference/metrics.rst');
  const named = files.flatMap((file) => read(file).match(/\bkerbside_[a-z]+_[a-z_]+/g) ?? []);
  const jobs = new Set(['kerbside_api', 'kerbside_proxy', 'kerbside_conductor', 'kerbside_html5proxy']);
  if (named.length === 0) return ['no metric is named'];
  return [...new Set(named)]
    .filter((name) => !jobs.has(name))
    .filter((name) => !documented.includes(`\`\`${name.replace(/_bucket$/, '')}\`\``))
    .map((name) => `${name} is not in doc/source/reference/metrics.rst`);
}

async function log([file]) {
  const expression = /expression \/(.*)\/$/m.exec(read(file))?.[1];
  if (expression === undefined) return [`${file} has no expression`];
  const folder = mkdtempSync(join(tmpdir(), 'kerbside-log-'));
  const path = join(folder, 'kerbside.log');
  try {
    configureLogging({ debug: false, useJson: false, file: path });
    loggerFor('kerbside.console.close').info('connection closed', {
      session: 'Zk3vQ0pLx8aB',
      reason: 'client closed',
    });
    loggerFor('kerbside.api').warning('a sentence in [brackets]\nand a second line');
    await setTimeout(500);
    const lines = read(path).trimEnd().split('\n');
    if (lines.length !== 2) return [`${lines.length} lines for two events`];
    return lines.flatMap((line) => {
      const parts = new RegExp(expression).exec(line)?.groups;
      const whole = parts?.Timestamp && parts.Pid && parts.log_level && parts.python_module && parts.Payload;
      return whole ? [] : [`not taken apart: ${line}`];
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [what, ...files] = process.argv.slice(2);
const checks = { options, sources, metrics, log };
const faults = await checks[what](files);
for (const fault of faults) console.log(fault);
process.exit(faults.length === 0 ? 0 : 1);
