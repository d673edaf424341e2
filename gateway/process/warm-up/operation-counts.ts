/** Counts which operations clients send, in one process. */
import type { PreparedOperation, RequestFacts } from '../../telemetry/request-facts.ts'
import { documentToKeep } from './document-to-keep.ts'

/** An operation that clients have sent. */
export interface OperationCount {
  readonly document: string
  readonly requests: number
}

export interface OperationCounter {
  /** Counts a request whose operation was executed. */
  count(facts: RequestFacts): void
  /** Returns what has been counted since the last call. */
  take(): OperationCount[]
}

/** How often counts are taken, in milliseconds. */
export const reportPeriod = 60_000
/** How many different operations are counted until they are taken. */
const mostCounted = 1_000
const mostTaken = 100

/** Returns a counter. A request costs it one look-up: the texts are made when they are taken. */
export function operationCounter(): OperationCounter {
  const documents = new WeakMap<PreparedOperation, string>()
  let counts = new Map<PreparedOperation, { requests: number }>()

  return {
    count({ operation, refusal }) {
      if (!operation || refusal !== undefined) return
      const known = counts.get(operation)
      if (known) known.requests++
      else if (counts.size < mostCounted) counts.set(operation, { requests: 1 })
    },
    take() {
      const most = [...counts].sort(([, one], [, other]) => other.requests - one.requests)
      counts = new Map()
      return most.slice(0, mostTaken).flatMap(([operation, { requests }]) => {
        const document = textOf(operation)
        return document === '' ? [] : [{ document, requests }]
      })
    },
  }

  /** Empty if it is not to be kept. */
  function textOf(operation: PreparedOperation): string {
    const known = documents.get(operation)
    if (known !== undefined) return known
    const text = documentToKeep(operation) ?? ''
    documents.set(operation, text)
    return text
  }
}
