// SPDX-License-Identifier: Apache-2.0
// Local users, for sites without Keystone. Passwords are kept as scrypt hashes.
import type { Database } from '../db/database.js';
import type { Page, PageRequest } from './page.js';

export interface User {
  name: string;
  admin: boolean;
  /** Epoch seconds. */
  created: number;
}

export declare class Users {
  constructor(db: Database, options?: { now?: () => number });
  /** @throws Conflict when the name is taken, InvalidInput on a bad name or an empty password */
  create(name: string, password: string, options: { admin: boolean }): Promise<User>;
  /** The user when the password is right, else null; takes as long for a user that does not exist. */
  verify(name: string, password: string): Promise<User | null>;
  setPassword(name: string, password: string): Promise<boolean>;
  list(page: PageRequest): Promise<Page<User>>;
  remove(name: string): Promise<boolean>;
  /** Whether any local user exists. */
  any(): Promise<boolean>;
}
