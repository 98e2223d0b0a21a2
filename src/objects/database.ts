// SPDX-License-Identifier: Apache-2.0
// The name under which the API and the data plane know the database: they pass it to the objects and never
// look inside, because src/db is for src/objects only.
export { Database } from '../db/database.js';
