// SPDX-License-Identifier: Apache-2.0
// The sinks that [audit] sinks names, made of their options.
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Conf } from '../conf/index.js';
import { ConfError } from '../exception.js';
import { auditSender } from '../messaging/messaging.js';
import { shownPath, unreadableOption } from '../option-file.js';
import type { AuditSinkName } from '../objects/audit-cursor.js';
import { checkIdentity } from '../tls/client-identity.js';
import { holdsCertificate, holdsPrivateKey } from '../tls/pem.js';
import { CadfSink } from './cadf-sink.js';
import { JsonLinesSink } from './json-lines.js';
import type { AuditSink } from './sink.js';
import { SyslogSink } from './syslog-sink.js';

type Options = Conf['audit'];

/**
 * Makes the sinks; nothing is opened or connected yet.
 *
 * @param program the name of the program, for the broker
 * @throws ConfError when an option that a sink needs is missing or wrong
 */
export function makeSinks(conf: Conf, program: string): AuditSink[] {
  return [...new Set(conf.audit.sinks)].map((name) => makeSink(name, conf, program));
}

function makeSink(name: AuditSinkName, conf: Conf, program: string): AuditSink {
  const { audit } = conf;
  const { nodeName: node } = conf.default;
  switch (name) {
    case 'jsonl':
      if (audit.jsonlPath === '') throw missing('jsonl_path', name, 'name a file');
      checkFile(audit.jsonlPath);
      return new JsonLinesSink(audit.jsonlPath, { maxBytes: audit.jsonlMaxBytes, keep: audit.jsonlKeep });
    case 'syslog':
      return syslogSink(audit, node);
    case 'cadf':
      return new CadfSink(auditSender(conf, program), node);
  }
}

/** Checks that a file can be made, or added to; a file that nothing is written to yet is not made. */
function checkFile(path: string): void {
  const fault = (what: string, remedy: string): ConfError =>
    new ConfError('audit', 'jsonl_path', `the file ${shownPath(path)} ${what}`, remedy);
  const folder = dirname(resolve(path));
  const owned = 'owned by the user that Kerbside runs as';
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw fault('has no folder', `create ${folder}, ${owned}, or name another file`);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) throw fault('is a folder', 'name a file');
  try {
    // A file that is full is moved away, so it takes the right to write to the folder in any case.
    accessSync(folder, constants.W_OK | constants.X_OK);
    if (found !== undefined) accessSync(path, constants.R_OK | constants.W_OK);
  } catch {
    throw fault('cannot be written to', `let the user that Kerbside runs as write to it and to ${folder}`);
  }
}

function syslogSink(audit: Options, node: string): SyslogSink {
  const { syslogServer: host, syslogPort: port, syslogFacility: facility } = audit;
  if (host === '') throw missing('syslog_server', 'syslog', 'name a server');
  const ca = pem('syslog_ca_file', audit.syslogCaFile, 'certificate');
  const { syslogCertFile: certPath, syslogKeyFile: keyPath } = audit;
  if (certPath !== '' && keyPath === '')
    throw missing('syslog_key_file', 'syslog', 'name the key of syslog_cert_file');
  const cert = pem('syslog_cert_file', certPath, 'certificate');
  const key = certPath === '' ? undefined : pem('syslog_key_file', keyPath, 'private key');
  if (cert !== undefined && key !== undefined)
    checkIdentity('audit', 'syslog_key_file', { cert, key, certPath, keyPath });
  return new SyslogSink({ host, port, facility, ca, cert, key }, node);
}

function pem(option: string, path: string, noun: 'certificate' | 'private key'): string | undefined {
  if (path === '') return undefined;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadableOption('audit', option, path, error);
  }
  const holds = noun === 'certificate' ? holdsCertificate : holdsPrivateKey;
  if (holds(text)) return text;
  throw new ConfError(
    'audit',
    option,
    `the file ${shownPath(path)} holds no PEM ${noun}`,
    'name another one',
  );
}

function missing(option: string, sink: AuditSinkName, remedy: string): ConfError {
  return new ConfError('audit', option, `sink ${sink} is named and this is not set`, remedy);
}
