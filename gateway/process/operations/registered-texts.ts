/** Automatic persisted queries that a client has registered at one of several processes: all of them know it. */
import type { Call } from '../worker-rpc.ts'

export interface RegisteredText {
  readonly hash: string
  readonly text: string
}

export interface RegisteredTexts {
  /** Makes a text known to the other processes, unless too many are on their way. */
  publish(registered: RegisteredText): void
  /** Calls back with the texts that are published; returns the function that ends it. */
  subscribe(listener: (registered: RegisteredText) => void): () => void
}

/** The procedure of the primary. */
export type RegisteredTextsProcedures = {
  /** Makes a text known to all workers; resolves when they know it. */
  registerText: (registered: RegisteredText) => Promise<void>
}

/** What a worker may have on its way to the others, in characters. A client registers again what gets lost. */
const mostOnTheWay = 1024 * 1024

export interface RegisteredTextsOfWorkers extends RegisteredTexts {
  /** Takes what the primary reports. */
  receive(registered: RegisteredText): void
}

/** Returns those of a worker. */
export function registeredTextsOfWorkers(
  call: Call<RegisteredTextsProcedures>,
): RegisteredTextsOfWorkers {
  const listeners = new Set<(registered: RegisteredText) => void>()
  let onTheWay = 0
  return {
    publish(registered) {
      const { length } = registered.text
      if (onTheWay + length > mostOnTheWay) return
      onTheWay += length
      call('registerText', registered)
        .catch(() => {})
        .finally(() => (onTheWay -= length))
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    receive(registered) {
      for (const listener of listeners) listener(registered)
    },
  }
}
