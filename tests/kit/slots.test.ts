/** Things that come and go with each request. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from '@jest/globals'
import { Slots } from '../../subgraphs/kit/process/slots.ts'

test('a slot that is empty is used again', () => {
  const slots = new Slots<object>()
  const [one, other, third] = [{}, {}, {}]
  const slot = slots.add(one)
  slots.add(other)
  slots.remove(slot)
  expect(slots.all()).toEqual([other])
  expect(slots.add(third)).toBe(slot)
  expect(slots.size).toBe(2)
  expect(slots.all()).toEqual([third, other])
})

test('what has gone is collected without a collection of the whole heap', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void
  const slots = new Slots<object>()
  const present: number[] = []
  const next = () => {
    present.push(slots.add({ body: new Array<number>(1_000).fill(0) }))
    if (present.length > 50) slots.remove(present.shift()!)
  }
  for (let count = 0; count < 100; count++) next()
  collect()
  const before = process.memoryUsage().heapUsed
  for (let count = 0; count < 5_000; count++) {
    next()
    if (count % 500 === 0) collect({ type: 'minor' })
  }
  collect({ type: 'minor' })
  // All of them together would have 40 MB.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(8_000_000)
})
