// SPDX-License-Identifier: Apache-2.0
import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/**', 'coverage/**', 'doc/build/**', 'node_modules/**', 'tmp/**'] },
  js.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // Nest and TypeORM declare option objects as classes and take plain literals.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ['src/**/*.ts', 'ui/**/*.{ts,tsx}'],
    rules: {
      'max-lines': ['error', { max: 400, skipComments: true, skipBlankLines: true }],
      'max-lines-per-function': ['error', { max: 80, skipComments: true, skipBlankLines: true }],
      complexity: ['error', 15],
      'max-params': ['error', 5],
      'max-depth': ['error', 4],
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        {
          selector: ':matches(PropertyDefinition, MethodDefinition) > PrivateIdentifier',
          message: 'members are private; # is for secrets, which must not be printed',
        },
      ],
    },
  },
  // What holds secrets in the clear.
  {
    files: [
      'src/conf/secret.ts',
      'src/db/encryption.ts',
      'src/identity/service-session.ts',
      'src/recording/sealing.ts',
    ],
    rules: { 'no-restricted-syntax': 'off' },
  },
  // A schema is one list of statements.
  { files: ['src/db/migrations/*.ts'], rules: { 'max-lines-per-function': 'off' } },
  { files: ['test/**/*.ts'], rules: { '@typescript-eslint/no-non-null-assertion': 'off' } },
  {
    files: ['**/*.mjs', '**/*.cjs'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', module: 'writable', Buffer: 'readonly' },
    },
  },
  prettier,
);
