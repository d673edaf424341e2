/** The operations that clients send most, kept on disk: the next start warms up with them. */
import { readFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import { z } from 'zod'
import { keptFile, writeAtomically } from '../../supergraph/kept-file.ts'
import { oneAtATime } from '../../supergraph/one-at-a-time.ts'
import type { OperationCount } from './operation-counts.ts'

export interface KeptOperationsOptions {
  /** The folder of data; it is made when there is something to keep. */
  readonly directory: string
  /** The value of `--supergraph`. */
  readonly location: string
  readonly log: Logger
}

export interface KeptOperations {
  /** Returns the documents that an earlier process has kept, those that were used most first. */
  earlier(): Promise<readonly string[]>
  add(counts: readonly OperationCount[]): void
  /** Resolves when what has been added is written. */
  close(): Promise<void>
}

const mostKept = 100
/** With more, the half that was used least is forgotten. */
const mostInMemory = 1_000
/** In milliseconds. */
const writePeriod = 5 * 60_000

const format = z.array(z.object({ document: z.string(), requests: z.number().positive() }))

/**
 * Returns what is kept for that supergraph. The file is read when it is needed first, and written every five minutes
 * at most.
 */
export function keptOperations(options: KeptOperationsOptions): KeptOperations {
  const { directory, location, log } = options
  const path = keptFile(directory, 'operations', location)
  const requests = new Map<string, number>()
  let loading: Promise<readonly string[]> | undefined
  let hasChanged = false
  let isFailing = false
  const writing = oneAtATime(async () => {
    await earlier()
    try {
      hasChanged = false
      await writeAtomically(path, JSON.stringify(mostUsed(requests, mostKept)))
      isFailing = false
    } catch (cause) {
      const { code = 'unknown reason' } = cause as NodeJS.ErrnoException
      if (!isFailing)
        log.warn({ path, reason: code }, 'the operations for a warm-up cannot be kept')
      isFailing = true
    }
  })
  const timer = setInterval(write, writePeriod).unref()

  return {
    earlier,
    add(counts) {
      for (const { document, requests: more } of counts) {
        requests.set(document, (requests.get(document) ?? 0) + more)
        hasChanged = true
      }
      if (requests.size > mostInMemory) forget()
    },
    async close() {
      clearInterval(timer)
      write()
      await writing.idle()
    },
  }

  function write(): void {
    if (hasChanged) writing.request()
  }

  function earlier(): Promise<readonly string[]> {
    return (loading ??= load())
  }

  /** Earlier counts are worth half of new ones: operations that nobody sends any more are forgotten. */
  async function load(): Promise<readonly string[]> {
    const kept = await readKept(path, log)
    for (const { document, requests: count } of kept) {
      requests.set(document, (requests.get(document) ?? 0) + count / 2)
    }
    return kept.map(({ document }) => document)
  }

  function forget(): void {
    const most = mostUsed(requests, mostInMemory / 2)
    requests.clear()
    for (const { document, requests: count } of most) requests.set(document, count / 2)
  }
}

function mostUsed(requests: ReadonlyMap<string, number>, most: number): OperationCount[] {
  return [...requests]
    .sort(([, one], [, other]) => other - one)
    .slice(0, most)
    .map(([document, requests]) => ({ document, requests }))
}

async function readKept(path: string, log: Logger): Promise<readonly OperationCount[]> {
  try {
    return format.parse(JSON.parse(await readFile(path, 'utf8'))).slice(0, mostKept)
  } catch (cause) {
    const { code = 'not what this version writes' } = cause as NodeJS.ErrnoException
    if (code !== 'ENOENT') {
      log.warn({ path, reason: code }, 'the operations that were kept for a warm-up are not used')
    }
    return []
  }
}
