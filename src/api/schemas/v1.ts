// SPDX-License-Identifier: Apache-2.0
// Queries and bodies of /v1.
import { IsIn, IsOptional, IsString, IsUUID, Length, Matches, MaxLength } from 'class-validator';
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

/** Which page of which audit events. */
export class AuditEventQuery extends InventoryQuery {
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

  /** The type that Nova is asked for; the best that it has when absent. */
  @IsOptional()
  @IsIn(['spice-direct', 'spice-html5'], { message: 'type must be spice-direct or spice-html5' })
  type?: 'spice-direct' | 'spice-html5';
}

/** The key of a link. */
export class KeyQuery {
  @IsString()
  @MaxLength(48)
  @Matches(/^[A-Za-z0-9]*$/, { message: 'key must be the one of the link' })
  key = '';
}
