/**
 * Gives memory back to the system while no requests come. V8 collects garbage as a process allocates: at
 * rest, it would keep the garbage of the last requests, such as responses of many megabytes.
 *
 * A complete collection is rare. When nothing is under way, no object of a request is alive: V8 discards the hidden
 * classes of such objects, and with them the optimized code of nearly every function that serves. The next
 * requests then cost several times as much, for seconds.
 */
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { forgetFreeTapes } from '../execution/free-tapes.ts'
import { forgetFreeBuffers } from '../values/response-buffers.ts'

const checkPeriod = 1_000
/** How long no request has come when memory is given back, in milliseconds. */
const quietPeriod = 2_000
/** V8 makes the room for new objects smaller if little was allocated during the last five seconds. */
const littleAllocated = 5_000
/** How long V8's threads may take to free what was collected, in milliseconds. */
const freeing = 500
/** With less to give back, a collection is not worth its CPU time, in bytes of resident memory. */
const leastGain = 24 * 1024 * 1024
/** From so many bytes of garbage on, a complete collection is worth the code that it discards. */
const muchGarbage = 128 * 1024 * 1024
/** A complete one takes about a millisecond for each MB that is in use, in which a request would wait. */
const largestHeap = 256 * 1024 * 1024

/** V8's function `gc`: collects the young objects, or all of them. */
type CollectGarbage = (options: {
  type: 'minor' | 'major'
  execution: 'async'
}) => Promise<void> | undefined

/**
 * Collects garbage once when no request has come for some seconds, after requests have come. Returns the
 * function that ends this.
 *
 * @param requests returns how many requests there have been so far
 */
export function giveMemoryBackAtRest(requests: () => number): () => void {
  let seen = requests()
  let quietSince = performance.now()
  let isOver = true
  let resident = 0
  const heapInUse = heapAfterCollections()

  const timer = setInterval(() => {
    const count = requests()
    if (count !== seen) {
      seen = count
      quietSince = performance.now()
      isOver = false
    }
    if (isOver || performance.now() - quietSince < quietPeriod) return
    isOver = true
    void giveBack(() => requests() === count)
  }, checkPeriod).unref()
  return () => {
    clearInterval(timer)
    heapInUse.stop()
  }

  async function giveBack(isAtRest: () => boolean): Promise<void> {
    forgetFreeBuffers()
    forgetFreeTapes()
    if (process.memoryUsage.rss() < resident + leastGain) return
    const collectGarbage = exposedCollection()
    await collectGarbage({ type: 'minor', execution: 'async' })
    await pause(littleAllocated, undefined, { ref: false })
    if (!isAtRest()) return
    const garbage = process.memoryUsage().heapUsed - heapInUse.bytes()
    const isComplete = garbage > muchGarbage && heapInUse.bytes() < largestHeap
    await collectGarbage({ type: isComplete ? 'major' : 'minor', execution: 'async' })
    await pause(freeing, undefined, { ref: false })
    resident = process.memoryUsage.rss()
  }
}

/** The flags are as before afterwards: code that Node keeps on disk is only valid with the same flags. */
function exposedCollection(): CollectGarbage {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as CollectGarbage
  setFlagsFromString('--no-expose-gc')
  return collectGarbage
}

/** Returns how large the heap was after its last complete collection: what it has grown since is mostly garbage. */
function heapAfterCollections(): { bytes(): number; stop(): void } {
  let bytes = Infinity
  const observer = new PerformanceObserver((list) => {
    if (list.getEntries().some(isMajor)) bytes = process.memoryUsage().heapUsed
  })
  observer.observe({ entryTypes: ['gc'] })
  return { bytes: () => bytes, stop: () => observer.disconnect() }
}

function isMajor(entry: object): boolean {
  const { detail } = entry as { detail?: { kind?: number } }
  return detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR
}
