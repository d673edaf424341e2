/** The two gateways that the benchmark compares, and how many connections they can have. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchIssuer } from '../gateway/bench-issuer.ts'
import type { RunningContender } from '../gateway/contender.ts'
import { portcullis } from '../gateway/contenders.ts'
import { startListeners } from './listeners.ts'
import type { EventSource, Listeners } from './listeners.ts'
import { liveSupergraph, unlimited } from './live-setting.ts'

/** Whether equal subscriptions of equal callers share a stream and the executions of its events. */
export type Sharing = 'alone' | 'shared'

/** Whether all clients have the same access token, or each has its own subject. */
export type Callers = 'equal' | 'different'

export interface StreamingBench {
  readonly issuer: BenchIssuer
  readonly source: EventSource
  /** For the files of the gateways. */
  readonly folder: string
  /** Each of another subject. */
  readonly tokens: readonly string[]
}

/** Files that a process has open beside its connections. */
const otherFiles = 200

/** Runs a measurement with a gateway and clients of its own, none of which is connected at first. */
export async function withListeners<Result>(
  { issuer, source, folder, tokens }: StreamingBench,
  sharing: Sharing,
  callers: Callers,
  measure: (gateway: RunningContender, listeners: Listeners) => Promise<Result>,
): Promise<Result> {
  const supergraph = join(folder, 'supergraph.graphql')
  writeFileSync(supergraph, liveSupergraph(source.origin))
  const contender = portcullis(sharing, {
    engine: 'native',
    share: false,
    subgraphs: `event_silence: 1h, deduplicate_subscriptions: ${sharing === 'shared'}`,
    settings: unlimited,
  })
  const files = { supergraph, guardedSupergraph: supergraph, schemas: {}, peers: folder, folder }
  const gateway = (await contender.start({ ...issuer, ...files, subgraphs: {} }))!
  try {
    const used = callers === 'equal' ? tokens.slice(0, 1) : tokens
    const listeners = await startListeners(gateway.url, used, source)
    try {
      return await measure(gateway, listeners)
    } finally {
      listeners.stop()
    }
  } finally {
    gateway.stop()
  }
}

/**
 * Returns how many of the connections a gateway can have: each is an open file, and so is the stream of
 * its subscription at the subgraph.
 */
export function possible(connections: number, streams: 'one' | 'each'): number {
  const files = Number(execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim())
  if (Number.isNaN(files)) return connections
  return Math.min(connections, Math.floor((files - otherFiles) / (streams === 'one' ? 1 : 2)))
}
