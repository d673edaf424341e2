import { expect, test } from '@jest/globals'
import {
  dropBytes,
  forgetFreeBuffers,
  holdBytes,
  keepBytes,
  lendBuffer,
} from '../../gateway/values/response-buffers.ts'

const MB = 1024 * 1024

/** Returns a buffer of its own, held once. */
function lent(length: number): Buffer {
  const buffer = lendBuffer(length)
  holdBytes(buffer)
  return buffer
}

test('memory is lent again when nobody holds it; what is left of the old view is empty', () => {
  const first = lent(MB)
  first.fill(7)
  const view = first.subarray(10, 20)
  holdBytes(view)
  dropBytes(first)
  const second = lent(MB)
  second.fill(8)
  expect(first[0]).toBe(7)

  dropBytes(view)
  expect(view.length).toBe(0)
  expect(first.length).toBe(0)
  expect(lendBuffer(MB - 1)[0]).toBe(7)
  expect(second[0]).toBe(8)
})

test('to drop bytes more often than they were held changes nothing', () => {
  const bytes = lent(MB)
  bytes.fill(3)
  dropBytes(bytes)
  dropBytes(bytes)
  const one = lent(MB)
  const other = lent(MB)
  expect(one[0]).toBe(3)
  one.fill(4)
  other.fill(5)
  expect(one[0]).toBe(4)
})

test('what is kept is never lent again', () => {
  const kept = lent(2 * MB)
  kept.fill(9)
  keepBytes(kept)
  dropBytes(kept)
  lent(2 * MB).fill(1)
  expect(kept[0]).toBe(9)
})

test('bytes of others are left alone', () => {
  const bytes = Buffer.from('from elsewhere')
  holdBytes(bytes)
  dropBytes(bytes)
  dropBytes(bytes)
  expect(String(bytes)).toBe('from elsewhere')
})

test('no more than 32 MB wait to be lent, those of the size that was needed last', () => {
  const all = [4, 4, 4, 4, 8, 8, 8, 8].map((size) => lent(size * MB))
  for (const bytes of all) dropBytes(bytes)
  lent(8 * MB)
  expect(forgetFreeBuffers()).toBe(24 * MB)
  expect(forgetFreeBuffers()).toBe(0)
})
