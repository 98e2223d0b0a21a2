// SPDX-License-Identifier: Apache-2.0
// What an audit event says beside its text, in the OpenAPI document; for views/audit-facts.ts.
const TEXT = { type: ['string', 'null'] };

/** The members; each is null where it is not known. */
export const AUDIT_FACTS = {
  issued_to: {
    ...TEXT,
    description: 'For whom the token of the session was made, or who was given something.',
  },
  client_ip: { ...TEXT, description: 'The address of the client that the event is about.' },
  service: { ...TEXT, description: 'The program that wrote the event.' },
  requested_by: {
    ...TEXT,
    enum: ['user', 'operator', 'notification', 'service', null],
    description:
      'Who asked for it: a user of the REST API, an operator at a command line, an event in Nova, or Kerbside itself.',
  },
  request_user: { ...TEXT, description: 'The name of that user or operator.' },
  request_user_id: { ...TEXT, description: 'The id that Keystone has for that user.' },
  request_id: { ...TEXT, description: 'The id of the request, as the log has it.' },
  request_ip: { ...TEXT, description: 'Where the request came from.' },
} as const;
