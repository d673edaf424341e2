import { expect, test } from '@jest/globals'
import { wholeNumber } from '../../scripts/whole-number.ts'

test('a number of the command line is whole, and 1 or more', () => {
  expect(wholeNumber('20000', 'the seed')).toBe(20_000)
})

test.each(['', '0', '-1', '1.5', '1e3', 'abc', ' 1', '9'.repeat(16)])(
  '%j is refused by name',
  (text) => {
    expect(() => wholeNumber(text, 'the seed')).toThrow(
      `the seed is ${JSON.stringify(text)}: give a whole number of 1 or more`,
    )
  },
)
