/** What test files import from `@jest/globals`; the runtime has put it there. */
export const { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } =
  globalThis[Symbol.for('the globals of the test file')]
