/** What served last, kept on disk: for a start while the source is down, and against rollbacks. */
import { readFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import { keptFile, writeAtomically } from './kept-file.ts'
import { oneAtATime } from './one-at-a-time.ts'
import type { ServedRecord, SignedVersion, SupergraphCopy } from './supergraph-source.ts'
import { digestOf } from './verify-signature.ts'

export interface KeptSupergraphOptions {
  /** The folder of data; it is made when there is something to keep. */
  readonly directory: string
  /** The value of `--supergraph`, or where something else is that is kept. */
  readonly location: string
  /** What is kept; default: a supergraph. */
  readonly noun?: string
  readonly log: Logger
}

export interface KeptSupergraph extends ServedRecord {
  /** Sets where the text of a supergraph that serves is found: only those of a URL are kept. */
  keepCopiesOf(newest: () => SupergraphCopy | undefined): void
  /** Resolves when all is written. */
  written(): Promise<void>
}

interface Kept {
  readonly copy?: SupergraphCopy | undefined
  readonly signed?: SignedVersion | undefined
}

/** Returns the record of what served from that location. It is in memory too: the disk may fail. */
export async function keptSupergraph(options: KeptSupergraphOptions): Promise<KeptSupergraph> {
  const { directory, location, noun = 'supergraph', log } = options
  const path = keptFile(directory, `last-${noun}`, location)
  let kept = await readKept(path, log)
  let newest: () => SupergraphCopy | undefined = () => undefined
  let isFailing = false
  const writing = oneAtATime(async () => {
    try {
      await writeAtomically(path, JSON.stringify(kept))
      isFailing = false
    } catch (cause) {
      const { code = 'unknown reason' } = cause as NodeJS.ErrnoException
      if (!isFailing) log.warn({ path, reason: code }, `the last good ${noun} cannot be kept`)
      isFailing = true
    }
  })

  return {
    keepCopiesOf(source) {
      newest = source
    },
    lastGood: async () => kept.copy,
    lastSigned: async () => kept.signed,
    served({ digest, serial }) {
      if (serial !== undefined && serial < (kept.signed?.serial ?? 0)) return
      const signed = serial === undefined ? kept.signed : { serial, digest }
      const fetched = newest()
      const copy = fetched && digestOf(fetched.text) === digest ? fetched : kept.copy
      if (isSame({ copy, signed }, kept)) return
      kept = { copy, signed }
      writing.request()
    },
    written: writing.idle,
  }
}

function isSame(one: Kept, other: Kept): boolean {
  return (
    one.copy?.text === other.copy?.text &&
    one.copy?.signature === other.copy?.signature &&
    one.signed?.serial === other.signed?.serial &&
    one.signed?.digest === other.signed?.digest
  )
}

async function readKept(path: string, log: Logger): Promise<Kept> {
  try {
    const kept = JSON.parse(await readFile(path, 'utf8')) as Partial<Kept> | null
    const { copy, signed } = kept ?? {}
    return {
      ...(typeof copy?.text === 'string' ? { copy } : {}),
      ...(Number.isSafeInteger(signed?.serial) ? { signed } : {}),
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code !== 'ENOENT') log.warn({ path, reason: code ?? 'not JSON' }, 'what was kept is lost')
    return {}
  }
}
