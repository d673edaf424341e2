import { availableParallelism } from 'node:os'

/**
 * Native ES modules, as Node runs them: what runs in the tests is what runs in production. See `tests/support/native`:
 * Jest's own way, a context of `vm` per file, loads the product once for each of them.
 */
export default {
  testEnvironment: '<rootDir>/tests/support/native/environment.mjs',
  runtime: '<rootDir>/tests/support/native/runtime.cjs',
  injectGlobals: false,
  // Otherwise, a rejection at the end of a test may be lost.
  waitForUnhandledRejections: true,
  roots: ['<rootDir>/gateway', '<rootDir>/subgraphs', '<rootDir>/scripts', '<rootDir>/tests'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '\\.long\\.test\\.ts$', '/tests/deploy/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/subgraphs/kit/dist/'],
  transform: {},
  // The suites often wait for processes and databases: more workers than cores.
  maxWorkers: availableParallelism() + 1,
  globalSetup: '<rootDir>/tests/support/compile-once.mjs',
  testTimeout: 30_000,
}
