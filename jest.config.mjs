// SPDX-License-Identifier: Apache-2.0
// One project per suite, so that `jest --selectProjects unit` runs what tox-style-scripts/unit runs.
const base = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  modulePathIgnorePatterns: ['<rootDir>/tmp/'], // copies of this tree: see tox-style-scripts/node-tree
  transform: { '^.+\\.ts$': '@swc/jest' },
};

export default {
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/**/*.ts'],
  projects: [
    { ...base, displayName: 'unit', testMatch: ['<rootDir>/test/unit/**/*.test.ts'] },
    {
      ...base,
      displayName: 'functional',
      testMatch: ['<rootDir>/test/functional/**/*.test.ts'],
      globalSetup: '<rootDir>/test/sweep.mjs',
      globalTeardown: '<rootDir>/test/sweep.mjs',
    },
    { ...base, displayName: 'e2e', testMatch: ['<rootDir>/test/e2e/**/*.test.ts'] },
    { ...base, displayName: 'proxmox', testMatch: ['<rootDir>/test/proxmox/**/*.test.ts'] },
    // Of minutes, with what Debian's dashboard installs: test/deploy/long/horizon.sh.
    { ...base, displayName: 'dashboard', testMatch: ['<rootDir>/test/dashboard/**/*.test.ts'] },
  ],
};
