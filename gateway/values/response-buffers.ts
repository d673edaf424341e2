/**
 * Memory for large responses that is used again: new memory costs page faults, and every 64 MB of it V8
 * collects all garbage.
 *
 * Whoever needs the bytes after it returns holds them, and drops them in the end. When nobody holds them any more,
 * their memory is detached from all views of it before it is lent again: a view that somebody has kept by
 * mistake is empty then, and never shows the response to another caller.
 */
import { FreeBySize } from './free-by-size.ts'
import { freeMemory } from './free-memory.ts'

/** Memory of fewer bytes is not kept. */
const smallest = 16 * 1024
/** Nor is memory of more. */
const largest = 16 * 1024 * 1024
/** The most bytes that are kept. */
const mostKept = 32 * 1024 * 1024

/** Sizes are powers of two. */
const free = new FreeBySize<ArrayBuffer>(mostKept, freeMemory)
/** How many hold the bytes of lent memory. */
const holders = new WeakMap<ArrayBufferLike, number>()

/** Returns a buffer of so many bytes, to be filled: they may be left from another response. */
export function lendBuffer(length: number): Buffer {
  if (length < smallest || length > largest) return Buffer.allocUnsafe(length)
  let size = smallest
  while (size < length) size *= 2
  const lent = free.take(size) ?? Buffer.allocUnsafeSlow(size).buffer
  holders.set(lent, 0)
  return Buffer.from(lent, 0, length)
}

/** Makes the memory of the bytes stay, if it is lent, until they are dropped as often as they are held. */
export function holdBytes({ buffer }: Uint8Array): void {
  const count = holders.get(buffer)
  if (count !== undefined) holders.set(buffer, count + 1)
}

/** Takes back what `holdBytes` did: the bytes are not used any more, if nobody else holds them. */
export function dropBytes({ buffer }: Uint8Array): void {
  const count = holders.get(buffer)
  if (count === undefined) return
  holders.set(buffer, count - 1)
  if (count > 1) return
  holders.delete(buffer)
  giveBack(buffer as ArrayBuffer)
}

/** Makes the memory of the bytes an ordinary one, which is never lent again. */
export function keepBytes({ buffer }: Uint8Array): void {
  holders.delete(buffer)
}

/** Returns how many bytes were kept to be lent. They are kept no longer: they go back to the system. */
export function forgetFreeBuffers(): number {
  return free.forget()
}

function giveBack(lent: ArrayBuffer): void {
  free.give(lent.byteLength, structuredClone(lent, { transfer: [lent] }))
}
