// SPDX-License-Identifier: Apache-2.0
// The body of POST /auth: a name and a password, or an application credential of Keystone.
import { IsBoolean, IsNotEmpty, IsOptional, IsString, MaxLength, ValidateIf } from 'class-validator';
import { Secret } from '../../conf/secret.js';
import type { LoginAttempt } from '../../identity/login.js';

const MAX_NAME = 255;
const MAX_SECRET = 1024;

/** A login. Which user, domain and project: by id or by name. */
export class LoginBody {
  /** Absent only with the id of an application credential. */
  @ValidateIf(
    (body: LoginBody) => body.username !== undefined || body.application_credential_id === undefined,
  )
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_NAME)
  username?: string;

  /** Absent only with an application credential. */
  @ValidateIf(
    (body: LoginBody) => body.password !== undefined || body.application_credential_secret === undefined,
  )
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_SECRET)
  password?: string;

  /** True: the token comes as a cookie and not in the body. */
  @IsOptional()
  @IsBoolean()
  as_cookie?: boolean;

  @IsOptional()
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_NAME)
  user_domain_id?: string;

  @IsOptional()
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_NAME)
  user_domain_name?: string;

  /** A project that the user must have a role on. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_NAME)
  project_id?: string;

  @IsOptional()
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_NAME)
  project_name?: string;

  @IsOptional()
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_NAME)
  project_domain_id?: string;

  @IsOptional()
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_NAME)
  project_domain_name?: string;

  @IsOptional()
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_NAME)
  application_credential_id?: string;

  /** Together with the user that it belongs to, instead of its id. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_NAME)
  application_credential_name?: string;

  @ValidateIf(
    (body: LoginBody) =>
      body.application_credential_secret !== undefined ||
      body.application_credential_id !== undefined ||
      body.application_credential_name !== undefined,
  )
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_SECRET)
  application_credential_secret?: string;
}

const KEYSTONE_ONLY = [
  'user_domain_id',
  'user_domain_name',
  'project_id',
  'project_name',
  'project_domain_id',
  'project_domain_name',
  'application_credential_id',
  'application_credential_name',
  'application_credential_secret',
] as const satisfies readonly (keyof LoginBody)[];

/** What a body asks for, as the login takes it. @param by the client's address, and the id of its request */
export function loginAttempt(body: LoginBody, by: Pick<LoginAttempt, 'address' | 'requestId'>): LoginAttempt {
  const { username, password } = body;
  const user = username ?? body.application_credential_id ?? '';
  const attempt = { user, password: password ?? '', ...by };
  const plain = KEYSTONE_ONLY.every((member) => body[member] === undefined);
  if (plain) return attempt;
  const secret = body.application_credential_secret;
  return {
    ...attempt,
    keystone: {
      username,
      password: password === undefined ? undefined : new Secret(password),
      userDomainId: body.user_domain_id,
      userDomainName: body.user_domain_name,
      projectId: body.project_id,
      projectName: body.project_name,
      projectDomainId: body.project_domain_id,
      projectDomainName: body.project_domain_name,
      applicationCredentialId: body.application_credential_id,
      applicationCredentialName: body.application_credential_name,
      applicationCredentialSecret: secret === undefined ? undefined : new Secret(secret),
    },
  };
}
