// SPDX-License-Identifier: Apache-2.0
// The body of POST /auth.
import { IsBoolean, IsNotEmpty, IsOptional, IsString, MaxLength } from 'class-validator';

/** A login. */
export class LoginBody {
  @IsString()
  @IsNotEmpty()
  @MaxLength(255)
  username!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(1024)
  password!: string;

  /** True: the token comes as a cookie and not in the body. */
  @IsOptional()
  @IsBoolean()
  as_cookie?: boolean;
}
