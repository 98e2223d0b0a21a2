// SPDX-License-Identifier: Apache-2.0
// Queries and bodies of /v1.
import {
  IsBoolean,
  IsIn,
  IsISO8601,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Matches,
  MaxLength,
  ValidateIf,
} from 'class-validator';
import { PageQuery } from './page.js';

/** Which page of which consoles or sessions. */
export class InventoryQuery extends PageQuery {
  @IsOptional()
  @IsString()
  @Length(1, 255)
  project_id?: string;

  @IsOptional()
  @IsString()
  @Length(1, 255)
  source?: string;

  @IsOptional()
  @IsString()
  @Length(1, 36)
  instance_uuid?: string;
}

const SORT = /^(name|created_at|source)(:(asc|desc))?$/;
const SESSION_SORT = /^(created_at|id)(:(asc|desc))?$/;

/** Which page of which consoles, in which order; what InventoryQuery does not have since 1.3. */
export class ConsoleQuery extends InventoryQuery {
  /** A part of the name, in any case. */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  'name~'?: string;

  /** As the platform says it, such as ACTIVE. */
  @IsOptional()
  @IsString()
  @Length(1, 64)
  state?: string;

  @IsOptional()
  @Matches(SORT, { message: 'sort must be name, created_at or source, and may end with :asc or :desc' })
  sort?: string;
}

/** Which page of which sessions, in which order; what InventoryQuery does not have since 1.3. */
export class SessionQuery extends InventoryQuery {
  /** A part of the console's name, in any case. */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  'name~'?: string;

  @IsOptional()
  @IsIn(['pending', 'active', 'migrating', 'closing', 'closed'], {
    message: 'state must be pending, active, migrating, closing or closed',
  })
  state?: 'pending' | 'active' | 'migrating' | 'closing' | 'closed';

  /** Whose session it is. */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  user?: string;

  @IsOptional()
  @Matches(SESSION_SORT, { message: 'sort must be created_at or id, and may end with :asc or :desc' })
  sort?: string;
}

const TIME = 'must be a time in ISO 8601, such as 2026-01-31T12:00:00Z';

/** Which page of which audit events, as far as 1.2 has it. */
class AuditEventQuery extends InventoryQuery {
  @IsOptional()
  @IsString()
  @Length(1, 12)
  session_id?: string;

  /** Whose sessions the events are about, or who asked for what happened. */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  user?: string;
}

/** The same with what is there since 1.3. */
export class EventQuery extends AuditEventQuery {
  @IsOptional()
  @IsISO8601({ strict: true }, { message: `since ${TIME}` })
  since?: string;

  @IsOptional()
  @IsISO8601({ strict: true }, { message: `until ${TIME}` })
  until?: string;

  /** What kind of somebody asked for what happened. */
  @IsOptional()
  @IsIn(['user', 'operator', 'notification', 'service'], {
    message: 'requested_by must be user, operator, notification or service',
  })
  requested_by?: 'user' | 'operator' | 'notification' | 'service';
}

/** Which page of which connections. */
export class ConnectionQuery extends InventoryQuery {
  @IsOptional()
  @IsString()
  @Length(1, 12)
  session_id?: string;
}

/** Which page of which services. */
export class ServiceQuery extends PageQuery {
  @IsOptional()
  @IsString()
  @Length(1, 255)
  host?: string;

  @IsOptional()
  @IsString()
  @Length(1, 64)
  binary?: string;
}

/** A console that is asked for. */
export class CreateConsoleBody {
  @IsUUID('all', { message: 'instance_uuid must be a UUID' })
  instance_uuid!: string;

  /** The source that has the instance; found out when absent. */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  source?: string;

  /** The type that Nova is asked for; the best that it has when absent. `novnc` since 1.8. */
  @IsOptional()
  @IsIn(['spice-direct', 'spice-html5', 'novnc'], {
    message: 'type must be spice-direct, spice-html5 or novnc',
  })
  type?: 'spice-direct' | 'spice-html5' | 'novnc';

  /** Since 1.5: end the session of somebody else who has the console. */
  @ValidateIf((body: CreateConsoleBody) => body.replace !== undefined)
  @IsBoolean({ message: 'replace must be true or false' })
  replace?: boolean;
}

/** The key of a link. */
export class KeyQuery {
  @IsString()
  @MaxLength(48)
  @Matches(/^[A-Za-z0-9]*$/, { message: 'key must be the one of the link' })
  key = '';
}
