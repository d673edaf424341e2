import { setTimeout } from 'node:timers/promises'
import { yieldToEventLoop } from '../slices.ts'

/** How many subscriptions move to another version together: each is prepared, and perhaps opened, anew. */
const groupSize = 50

/** How long the next ones wait for a group, in milliseconds: a subgraph may take long to accept them. */
const longestWait = 100

/** How many of them begin to move before others are served. */
const mostInSlice = 10

/** Moves to the version that serves now; resolves when it needs nothing of the earlier one. It never rejects. */
type Move = () => Promise<void>

/** Returns the subscriptions of a schema version: they leave it when another one serves. */
export function liveSubscribers() {
  const open = new Set<Move>()
  let moving: Promise<void> | undefined

  return {
    isReplaced: () => moving !== undefined,
    /** Adds one; returns how to remove it. */
    onReplaced(move: Move): () => void {
      open.add(move)
      return () => void open.delete(move)
    },
    /** Moves all of them, in groups, once; resolves when all have moved. */
    moveAll: () => (moving ??= moveAll()),
  }

  async function moveAll(): Promise<void> {
    // By then `isReplaced` says so: no other one is added while these move.
    await undefined
    const moves = new Set<Promise<void>>()
    let begun = 0
    for (const move of open) {
      const moved = move().then(() => void moves.delete(moved))
      moves.add(moved)
      if (++begun % mostInSlice === 0) await yieldToEventLoop()
      if (begun % groupSize > 0) continue
      const wait = setTimeout(longestWait, undefined, { ref: false })
      await Promise.race([wait, Promise.all(moves)])
    }
    await Promise.all(moves)
  }
}
