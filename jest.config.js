import { availableParallelism } from 'node:os'

/** Native ES modules, TypeScript stripped by swc: what runs in the tests is what runs in production. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/gateway', '<rootDir>/subgraphs', '<rootDir>/scripts', '<rootDir>/tests'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '\\.long\\.test\\.ts$', '/tests/deploy/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/subgraphs/kit/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
      },
    ],
  },
  // The suites often wait for processes and databases: more workers than cores.
  maxWorkers: availableParallelism() + 1,
  globalSetup: '<rootDir>/tests/support/compile-once.mjs',
  testTimeout: 30_000,
}
