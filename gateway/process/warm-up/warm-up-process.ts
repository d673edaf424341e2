/**
 * The warm-up of a process: made-up requests take the way of real ones, so that the code is compiled for speed
 * before the first client waits for it.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { GatewayConfig } from '../../configuration/gateway-config.ts'
import type { MadeUpOperation } from '../../supergraph/made-up-operations.ts'
import type { Supergraph } from '../../supergraph/read-supergraph.ts'
import type { SchemaVersion } from '../../supergraph/schema-version.ts'
import type { KeptOperations } from './kept-operations.ts'
import { operationsToRehearse } from './operations-to-rehearse.ts'
import { rehearsedGateway } from './rehearsed-gateway.ts'
import type { RehearsedGateway } from './rehearsed-gateway.ts'

/** In milliseconds. */
const timeInProduction = 2_000

export interface WarmUpParts {
  config: GatewayConfig
  /** Whether it runs in production, where the first clients are many. */
  production?: boolean | undefined
  /** The operations that clients have sent to earlier processes. */
  operations: Pick<KeptOperations, 'earlier'>
  log: Logger
}

/** Returns how long a warm-up may take, in milliseconds; 0: there is none. */
export function warmUpTime({
  config,
  production,
}: Omit<WarmUpParts, 'operations' | 'log'>): number {
  return config.warm_up.time ?? (production ? timeInProduction : 0)
}

/** Returns once the process is warm, or the time is over. A fault is logged, and changes nothing else. */
export async function warmUpProcess(
  parts: WarmUpParts,
  version: SchemaVersion,
  supergraph: Supergraph,
): Promise<void> {
  const { config, log } = parts
  const time = warmUpTime(parts)
  if (time === 0) return
  log.debug({ time }, 'warming up')
  const started = performance.now()
  const gateways: RehearsedGateway[] = []
  try {
    while (gateways.length < 2) gateways.push(await rehearsedGateway(config, version, supergraph))
    const documents = await parts.operations.earlier()
    const { apiSchema } = version.executor
    const { operations, kept } = await operationsToRehearse(
      documents,
      apiSchema,
      started + time / 2,
    )
    const counts = await rehearse(gateways, operations, started + time - performance.now())
    const milliseconds = Math.round(performance.now() - started)
    log.info({ kept, ...counts, milliseconds }, 'warmed up')
  } catch (cause) {
    const reason = (cause as Error).message
    log.warn({ reason }, 'the process could not warm up: its first requests take longer')
  } finally {
    await Promise.allSettled(gateways.map((gateway) => gateway.close()))
  }
}

interface RequestCounts {
  requests: number
  /** Those whose status is not 200. */
  refused: number
}

/**
 * Sends the operations in turn until the time is over or requests do not become cheaper any more. There are two
 * gateways because the engine compiles code for the only functions and objects that it has seen: those
 * that serve later would be others.
 */
async function rehearse(
  gateways: readonly RehearsedGateway[],
  operations: readonly MadeUpOperation[],
  time: number,
): Promise<RequestCounts> {
  const counts = { requests: 0, refused: 0 }
  const bodies = operations.map((operation) => JSON.stringify(operation))
  const isSettled = settledCost()
  let isOver = bodies.length === 0
  const sendRequests = async ({ post }: RehearsedGateway) => {
    while (!isOver) {
      const status = await post(bodies[counts.requests % bodies.length]!)
      counts.requests++
      if (status !== 200) counts.refused++
      isOver ||= isSettled(counts.requests)
    }
  }
  const sending = Promise.all([...gateways, ...gateways].map(sendRequests))
  await Promise.race([sending, pause(time, undefined, { ref: false })]).finally(
    () => (isOver = true),
  )
  return counts
}

/** In requests. */
const batch = 500

/**
 * Returns a function that gets the number of requests so far, and returns whether the last batches of them did not
 * become cheaper.
 */
function settledCost(): (requests: number) => boolean {
  let before = process.cpuUsage()
  let least = Infinity
  let notCheaper = 0

  return (requests) => {
    if (requests % batch !== 0) return false
    const { user, system } = process.cpuUsage(before)
    before = process.cpuUsage()
    notCheaper = user + system > least * 0.95 ? notCheaper + 1 : 0
    least = Math.min(least, user + system)
    return notCheaper === 2
  }
}
