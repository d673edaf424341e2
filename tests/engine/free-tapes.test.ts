import { afterEach, expect, test } from '@jest/globals'
import { forgetFreeTapes, giveTapeBack, takeTape } from '../../gateway/execution/free-tapes.ts'

/** Integers in so many MB. */
const MB = 1024 * 256

afterEach(forgetFreeTapes)

test.each([1, 1_025, MB, 3 * MB])('a tape for %s integers is used again', (length) => {
  const tape = takeTape(length)
  expect(tape.length).toBeGreaterThanOrEqual(length)
  giveTapeBack(tape)
  expect([takeTape(length) === tape, takeTape(length) === tape]).toEqual([true, false])
})

test('no more than 16 MB wait to be used, those of the length that was needed last', () => {
  const small = Array.from({ length: 8 }, () => takeTape(MB))
  const large = [takeTape(4 * MB), takeTape(4 * MB), takeTape(4 * MB)]
  for (const tape of [...small, ...large]) giveTapeBack(tape)
  expect(small.map(({ length }) => length)).toEqual([0, 0, 0, 0, 0, 0, 0, 0].fill(MB, 4))
  expect(takeTape(4 * MB) === large[2]).toBe(true)
})

test('the tape that is given back keeps its numbers until it is used again', () => {
  const tapes = Array.from({ length: 3 }, () => takeTape(2 * MB).fill(7))
  for (const tape of tapes) {
    giveTapeBack(tape)
    expect(tape[MB]).toBe(7)
  }
})

test('a tape of more than 16 MB is not kept', () => {
  const tape = takeTape(17 * MB)
  giveTapeBack(tape)
  expect(takeTape(17 * MB) === tape).toBe(false)
})

test('what is forgotten goes back to the system', () => {
  const tape = takeTape(MB)
  giveTapeBack(tape)
  forgetFreeTapes()
  expect(tape.length).toBe(0)
})
