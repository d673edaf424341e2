import config from './jest.config.js'

/** What `npm run test:deploy` runs: the image, the manifests and the units of deploy/. */
export default {
  ...config,
  roots: ['<rootDir>/tests/deploy'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 120_000,
}
