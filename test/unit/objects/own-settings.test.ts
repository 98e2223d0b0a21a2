// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { narrowest, settingsIn, settingsText, type OwnSettings } from '../../../src/objects/own-settings.js';

const ALL: OwnSettings = {
  pacingMode: 'on',
  messageScreen: 'off',
  firewall: {
    ...{ mode: 'warn', permittedChannels: ['main'], rates: ['main.client_to_server.bytes=5'] },
  },
  migrationMode: 'seamless',
  concurrentSessions: 'share',
};

const AT = { source: 'lab', projectId: null };

describe('what a source or a console says for itself', () => {
  it('is kept in the keys of sources.yaml, and read again', () => {
    const text = settingsText(ALL);
    expect(text).toBe(
      '{"pacing_mode":"on","message_screen":"off","firewall":{"mode":"warn","permitted_channels":["main"],' +
        '"rates":["main.client_to_server.bytes=5"]},"migration":{"mode":"seamless"},"concurrent_sessions":"share"}',
    );
    expect(settingsIn(text)).toEqual(ALL);
  });

  it('may be nothing', () => {
    expect([settingsText({}), settingsIn(null)]).toEqual([null, {}]);
    expect(settingsIn(settingsText({ firewall: {} }))).toEqual({ firewall: {} });
  });

  it.each(['not JSON', 'null', '[]', '{"pacing_mode":"sometimes","message_screen":7,"another":"thing"}'])(
    'is nothing where the row holds %s',
    (text) => {
      expect(settingsIn(text)).toEqual({});
    },
  );

  it('is left out where this version does not know it', () => {
    expect(settingsIn('{"firewall":{"mode":"strict","permitted_channels":"main","rates":{}}}')).toEqual({
      firewall: {},
    });
    expect(settingsIn('{"migration":{"mode":"postcopy"}}')).toEqual({});
    expect(settingsIn('{"migration":"off"}')).toEqual({});
  });

  it('holds by member, that of the console before that of its source', () => {
    expect(narrowest({}, ALL, AT)).toEqual(ALL);
    expect(narrowest(ALL, {}, AT)).toEqual(ALL);
    expect(narrowest({ messageScreen: 'on', firewall: { mode: 'off' } }, ALL, AT)).toEqual({
      pacingMode: 'on',
      messageScreen: 'on',
      firewall: { ...ALL.firewall, mode: 'off' },
      migrationMode: 'seamless',
      concurrentSessions: 'share',
    });
    expect(narrowest({}, {}, AT)).toEqual({});
  });
});
