import js from '@eslint/js';
import type { Linter } from 'eslint';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { layers } from './layers.config.js';

/** All rules but those that need types, which .oxlintrc.json names: they are held by a faster program. */
const config: Linter.Config[] = defineConfig([
  globalIgnores([
    'dist/',
    'coverage/',
    'node_modules/',
    'site/out/',
    'site/.vitepress/cache/',
    '**/generated/',
  ]),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strict],
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // `void` stands beside a promise in Awaitable<void>: the port's calls may answer at once.
      '@typescript-eslint/no-invalid-void-type': ['error', { allowInGenericTypeArguments: true }],
      // Typed arrays in hot loops: `bytes[i]!` states what the loop's bound proves.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: ['src/**/*.ts', 'sim/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
    },
  },
  // No comment lifts a layer rule, nor any other, where the simulator leans on them.
  {
    files: ['src/**/*.ts', 'sim/**/*.ts'],
    linterOptions: { noInlineConfig: true },
    rules: {
      'no-warning-comments': ['error', { terms: ['oxlint-', 'eslint-'], location: 'anywhere' }],
    },
  },
  ...layers,
  {
    files: [
      'src/cli/**/*.ts',
      'sim/cli/**/*.ts',
      'sim/mutants/**/*.ts',
      'bench/**/*.ts',
      'examples/**/*.ts',
      'lab/**/*.ts',
    ],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        performance: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        URL: 'readonly',
      },
    },
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.browser.js'],
    languageOptions: {
      sourceType: 'script',
      // What dom.browser.js, which stands in front of every other, says for all.
      globals: Object.fromEntries(
        ['document', 'byId', 'data', 'h', 's', 'termColour', 'onKeys'].map((name) => [name, 'readonly']),
      ),
    },
    rules: {
      'no-redeclare': ['error', { builtinGlobals: false }],
      'no-unused-vars': ['error', { vars: 'local' }],
    },
  },
]);

export default config;
