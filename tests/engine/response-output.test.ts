/** However a response is put together, and however much of it is removed again, its bytes are right. */
import { expect, test } from '@jest/globals'
import { FetchedData } from '../../gateway/execution/fetched-data.ts'
import { ResponseOutput } from '../../gateway/execution/response-output.ts'
import { Word } from '../../gateway/values/word.ts'
import { randomNumbers } from './random-operation.ts'

/** The lengths at which something else happens, and those around them. */
const lengths = [0, 1, 3, 4, 5, 7, 8, 47, 160, 161, 5_000, 32_767, 32_768, 40_000]

function textOf(length: number, start: number): string {
  return Array.from({ length }, (_, index) =>
    String.fromCharCode(97 + ((start + index) % 26)),
  ).join('')
}

test.each(Array.from({ length: 24 }, (_, seed) => seed))('random writes, seed %d', (seed) => {
  const random = randomNumbers(seed)
  const pick = (most: number) => Math.floor(random() * most)
  const data = new FetchedData()
  const texts = lengths.map((length) => textOf(length, length))
  const addresses = texts.map((text) => data.addBytes(Buffer.from(text)))
  const isInOne = seed % 4 === 0
  const output = new ResponseOutput(data, isInOne)
  let expected = ''
  let written: { from: number; to: number; state: number; fields: undefined } | undefined
  for (let step = 0; step < 300; step++) {
    const from = output.position
    expect(from).toBe(expected.length)
    // Long texts empty the buffer: some outputs have none.
    const one = seed % 2 === 0 ? pick(lengths.length) : 8 + pick(3)
    const usual = pick(11)
    switch (pick(6)) {
      case 0:
        output.write(new Word(texts[usual]!))
        expected += texts[usual]!
        break
      case 1:
        output.writeText(texts[usual]!)
        expected += texts[usual]!
        break
      case 2:
        output.writeByte(65)
        expected += 'A'
        break
      case 3: {
        if (pick(3) > 0) break
        const position = Math.max(0, from - pick(from + 1) * (pick(4) === 0 ? 1 : 0) - pick(200))
        output.returnTo(position)
        expected = expected.slice(0, position)
        break
      }
      case 4:
        if (written && output.writeAgain(written)) {
          expected += expected.slice(written.from, written.to)
        }
        break
      default:
        output.writeFetched(addresses[one]!, addresses[one]! + texts[one]!.length)
        expected += texts[one]!
        if (pick(2) === 0) {
          written = { from, to: output.position, state: output.state, fields: undefined }
        }
    }
  }
  const all = isInOne ? output.text() : output.finish()
  const bytes = typeof all === 'string' ? all : Buffer.concat(all).toString()
  expect(bytes === expected).toBe(true)
  data.release()
})
