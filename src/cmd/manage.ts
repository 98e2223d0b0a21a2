#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// kerbside-manage: what an operator does by hand. One file of src/cmd/manage/ for each noun; the code that talks to
// the database is loaded only by the commands that need it.
import { baseCommand } from './arguments.js';
import { addAuditCommands } from './manage/audit.js';
import { addCertificateCommands } from './manage/certificate.js';
import { addConfigCommands } from './manage/config.js';
import { addConsoleCommands } from './manage/console.js';
import { addDatabaseCommands } from './manage/database.js';
import { addPolicyCommands } from './manage/policy.js';
import { addGroupCommands } from './manage/group.js';
import { addRecordingCommands } from './manage/recording.js';
import { addServiceCommands } from './manage/service.js';
import { addSessionCommands } from './manage/session.js';
import { addTokenCommands } from './manage/token.js';
import { addUserCommands } from './manage/user.js';
import { addEncryptionCommands } from './manage/encryption.js';
import { runManage } from './manage/run.js';

const command = baseCommand(
  'kerbside-manage',
  'Manages the database, certificates, users, consoles, sessions and the audit trail of Kerbside.',
);
addDatabaseCommands(command);
addCertificateCommands(command);
addTokenCommands(command);
addUserCommands(command);
addGroupCommands(command);
addServiceCommands(command);
addConsoleCommands(command);
addSessionCommands(command);
addAuditCommands(command);
addRecordingCommands(command);
addEncryptionCommands(command);
addConfigCommands(command);
addPolicyCommands(command);
await runManage(command, process.argv);
