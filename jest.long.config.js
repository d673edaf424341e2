/** What takes long, as `npm run test:long`: floods, crashes, power cuts, builds. */
import config from './jest.config.js'

export default {
  ...config,
  testMatch: ['**/*.long.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  testTimeout: 120_000,
}
