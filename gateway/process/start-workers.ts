/** Several gateway processes behind one port. The primary starts and replaces them, and serves none. */
import cluster from 'node:cluster'
import type { Worker } from 'node:cluster'
import type { Logger } from 'pino'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { systemClock } from '../authentication/clock.ts'
import { documentFetcher } from '../authentication/fetch-document.ts'
import { sharedDocuments } from '../authentication/shared-documents.ts'
import { addedUp, lastingCounts } from './metrics.ts'
import type { ProcessMetrics } from './metrics.ts'
import type { GatewaySettings, Served } from './configured-gateway.ts'
import { listenForMetrics } from './metrics-port.ts'
import type { RunningGateway } from './start-single.ts'
import { probe } from './probe.ts'
import { answerFetch } from './worker-protocol.ts'
import type { PrimaryAnswers, WorkerAnswers } from './worker-protocol.ts'
import { ChannelClosed, openQuestions } from './worker-rpc.ts'
import type { Ask } from './worker-rpc.ts'

export interface ClusterOptions {
  settings: GatewaySettings
  workers: number
  /** The module that a worker runs. */
  module: string
  /** Told when the workers end again and again, so that none serves. */
  giveUp: (sentence: string) => void
  log: Logger
}

interface Member {
  readonly worker: Worker
  readonly ask: Ask<WorkerAnswers>
  /** Where it listens, once it does; rejects when it ends before. */
  readonly listening: Promise<string>
  readonly ended: Promise<void>
  isServing: boolean
  /** The settings that it started with or adopted. */
  settings: GatewaySettings | undefined
  /** How it is, asked of it and answered in time. */
  readonly probes: {
    metrics(): Promise<ProcessMetrics>
    served(): Promise<Served>
    unreadiness(): Promise<readonly string[]>
  }
  /** As last read: of a worker that has ended they are counted on. */
  metrics: ProcessMetrics
  served: Served
}

/** A worker that has lived that long, in milliseconds, did not end because of its start. */
const provenAfter = 10_000
const firstPause = 200
const longestPause = 30_000
/** So many ends in a row, and nobody left who serves, are the end of it all. */
const mostEnds = 5
/** How long a worker may take to answer its last requests, in milliseconds. */
const stopTime = 7_000

const nothingServed: Served = { requests: { answered: 0 }, tokens: { accepted: 0, refused: 0 } }

/** Returns once all workers accept connections; what an operator has to mend is a StartFailure. */
export async function startCluster(options: ClusterOptions): Promise<RunningGateway> {
  const { log, giveUp } = options
  let { settings } = options
  const members = new Set<Member>()
  const documents = documentFetcher()
  const fetch = answerFetch(sharedDocuments(documents.fetch, systemClock))
  let departed: ProcessMetrics = []
  let servedByDeparted = nothingServed
  let stopping = false
  let endsInARow = 0

  cluster.setupPrimary({
    exec: options.module,
    args: process.argv.slice(2),
    execArgv: withRoomForTheYoung(process.execArgv),
    serialization: 'advanced',
  })
  // The first alone: what is wrong with the settings is then said once.
  const first = startWorker()
  const origin = await first.listening
  const others = Array.from({ length: options.workers - 1 }, startWorker)
  await Promise.all(others.map(({ listening }) => listening)).catch(async (cause) => {
    await stopAll()
    throw cause
  })
  for (const member of members) keepReplaced(member)
  const measured = await listenForMetrics(settings.config, log, readMetrics)
  const processes = [...members].map(({ worker }) => worker.process.pid)
  log.info({ processes }, 'serving with several processes')

  return {
    url: `${origin}/graphql`,
    reload,
    async close() {
      await stopAll()
      await measured?.close()
      await documents.close()
    },
  }

  function startWorker(): Member {
    const worker = cluster.fork()
    let isListening: (origin: string) => void
    let hasFailed: (cause: Error) => void
    const listening = new Promise<string>((resolve, reject) => {
      isListening = resolve
      hasFailed = reject
    })
    listening.catch(() => {})
    const answers: PrimaryAnswers = {
      settings: () => (member.settings = settings),
      fetch,
      served: servedByAll,
      unreadiness: unreadinessOfAll,
      async listening(origin) {
        await bringUpToDate(member)
        member.isServing = true
        isListening(origin)
      },
      failed: (sentence) => hasFailed(new StartFailure(sentence)),
    }
    const ask = openQuestions<WorkerAnswers>(
      {
        send: (message) => void worker.send(message as object, () => {}),
        onMessage: (listener) => void worker.on('message', listener),
        onClosed: (listener) => void worker.once('disconnect', listener),
      },
      answers,
    )
    const ended = new Promise<void>((resolve) => {
      worker.once('exit', (code, signal) => {
        hasFailed(new StartFailure(`a worker ended before it was listening (${signal ?? code})`))
        member.isServing = false
        members.delete(member)
        resolve()
      })
    })
    const member: Member = {
      worker,
      ask,
      listening,
      ended,
      isServing: false,
      settings: undefined,
      probes: {
        metrics: probe(() => ask('metrics')),
        served: probe(() => ask('served')),
        unreadiness: probe(() => ask('unreadiness')),
      },
      metrics: [],
      served: nothingServed,
    }
    members.add(member)
    return member
  }

  function keepReplaced(member: Member): void {
    const started = Date.now()
    void member.ended.then(async () => {
      if (stopping) return
      const { process } = member.worker
      const reason = await member.listening.then(
        () => undefined,
        (cause: Error) => cause.message,
      )
      await keepCountsOf(member)
      endsInARow = Date.now() - started > provenAfter ? 1 : endsInARow + 1
      const pause = Math.min(firstPause * 2 ** (endsInARow - 1), longestPause)
      log.error(
        { worker: process.pid, code: process.exitCode, signal: process.signalCode, reason, pause },
        'a worker has ended: another takes its place',
      )
      if (endsInARow >= mostEnds && serving().length === 0) {
        return giveUp(`no worker is left: ${endsInARow} in a row ended soon after their start`)
      }
      await new Promise((resolve) => setTimeout(resolve, pause))
      if (stopping) return
      const next = startWorker()
      keepReplaced(next)
      await next.listening.then(
        () => log.info({ worker: next.worker.process.pid }, 'a worker has taken its place'),
        () => {},
      )
    })
  }

  /** All workers take the new settings up, or none does. */
  async function reload(next: GatewaySettings): Promise<void> {
    const asked = serving()
    // Each of them has ended before another reload begins: a late one would get in its way.
    const prepared = await Promise.allSettled(asked.map((member) => prepare(member, next)))
    if (stopping) throw new StartFailure('the gateway is stopping')
    const refused = prepared.find((outcome) => outcome.status === 'rejected')
    if (refused) {
      await Promise.allSettled(asked.map(({ ask }) => ask('discard')))
      throw new StartFailure((refused.reason as Error).message, { cause: refused.reason })
    }
    settings = next
    await Promise.all(asked.map((member) => adopt(member, next)))
    await Promise.all(serving().map(bringUpToDate))
  }

  /** A worker that was starting during a reload has the settings from before: it adopts the new ones. */
  async function bringUpToDate(member: Member): Promise<void> {
    while (member.settings !== settings) {
      const next = settings
      try {
        await prepare(member, next)
        await adopt(member, next)
      } catch (cause) {
        const { pid } = member.worker.process
        const reason = (cause as Error).message
        log.error({ worker: pid, reason }, 'a worker without the new configuration is replaced')
        member.ask('stop').catch(() => {})
        return
      }
    }
  }

  async function prepare({ ask }: Member, next: GatewaySettings): Promise<void> {
    await unlessGone(ask('prepare', next))
  }

  async function adopt(member: Member, next: GatewaySettings): Promise<void> {
    await unlessGone(member.ask('adopt'))
    member.settings = next
  }

  async function readMetrics(): Promise<string> {
    const read = await Promise.all(
      serving().map(async (member) => {
        member.metrics = await member.probes.metrics().catch(() => member.metrics)
        return member.metrics
      }),
    )
    return addedUp([departed, ...read]).metrics()
  }

  async function servedByAll(): Promise<Served> {
    const read = await Promise.all(
      serving().map(async (member) => {
        member.served = await member.probes.served().catch(() => member.served)
        return member.served
      }),
    )
    return [servedByDeparted, ...read].reduce(sum)
  }

  /** The word of all: a request goes to any of them. */
  async function unreadinessOfAll(): Promise<string[]> {
    const reasons = await Promise.all(
      serving().map(async (member) => {
        const { pid } = member.worker.process
        return member.probes.unreadiness().catch(() =>
          // One that has ended meanwhile gets no requests.
          member.isServing ? [`process ${pid} does not respond`] : [],
        )
      }),
    )
    return [...new Set(reasons.flat())]
  }

  async function keepCountsOf(member: Member): Promise<void> {
    servedByDeparted = sum(servedByDeparted, member.served)
    departed = await lastingCounts([departed, member.metrics])
  }

  function serving(): Member[] {
    return [...members].filter(({ isServing }) => isServing)
  }

  async function stopAll(): Promise<void> {
    stopping = true
    await Promise.all(
      [...members].map(async ({ worker, ask, ended }) => {
        const cutOff = setTimeout(() => worker.process.kill('SIGKILL'), stopTime)
        ask('stop').catch(() => {})
        await ended
        clearTimeout(cutOff)
      }),
    )
  }
}

function sum(one: Served, other: Served): Served {
  return {
    requests: { answered: one.requests.answered + other.requests.answered },
    tokens: {
      accepted: one.tokens.accepted + other.tokens.accepted,
      refused: one.tokens.refused + other.tokens.refused,
    },
  }
}

/** A worker that ends meanwhile does not count: the one in its place asks for the settings. */
async function unlessGone(response: Promise<void>): Promise<void> {
  await response.catch((cause: unknown) => {
    if (!(cause instanceof ChannelClosed)) throw cause
  })
}

/** A request makes much that is garbage at once: with more room it is never looked at again. */
function withRoomForTheYoung(options: readonly string[]): string[] {
  const given = [...options, process.env.NODE_OPTIONS ?? ''].join(' ')
  return given.includes('--max-semi-space-size')
    ? [...options]
    : [...options, '--max-semi-space-size=64']
}
