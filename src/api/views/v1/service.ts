// SPDX-License-Identifier: Apache-2.0
// A service of Kerbside in /v1: after Nova's os-services.
import type { Service } from '../../../objects/service.js';
import { isoTime } from './time.js';

/** A service. The times are of the database's clock. */
export function viewService(service: Service): Record<string, unknown> {
  return {
    id: service.id,
    host: service.host,
    binary: service.binary,
    pid: service.pid,
    version: service.version,
    state: service.state,
    status: service.status,
    started_at: isoTime(service.started),
    updated_at: isoTime(service.heartbeat),
    down_at: isoTime(service.downSince),
    report: service.report,
  };
}
