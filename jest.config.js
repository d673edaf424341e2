import { availableParallelism } from 'node:os'

/**
 * Native ES modules, as Node runs them: what runs in the tests is what runs in production. `tests/support/native` has
 * how Node loads them, and why Jest's own way, a context of `vm` per file, takes several times as long.
 */
export default {
  testEnvironment: '<rootDir>/tests/support/native/environment.mjs',
  runtime: '<rootDir>/tests/support/native/runtime.cjs',
  injectGlobals: false,
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
