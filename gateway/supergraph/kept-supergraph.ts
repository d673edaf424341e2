/** What served last, kept on disk: for a start while the source is down, and against rollbacks. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Logger } from 'pino'
import { oneAtATime } from './one-at-a-time.ts'
import { displayUrl, isUrl } from './remote-supergraph.ts'
import type { ServedRecord, SignedVersion, SupergraphCopy } from './supergraph-source.ts'
import { digestOf } from './verify-signature.ts'

export interface KeptSupergraphOptions {
  /** The folder of data; it is made when there is something to keep. */
  readonly directory: string
  /** The value of `--supergraph`. */
  readonly location: string
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
  const { directory, location, log } = options
  const path = join(directory, `last-supergraph-${nameOf(location)}.json`)
  let kept = await readKept(path, log)
  let newest: () => SupergraphCopy | undefined = () => undefined
  let isFailing = false
  const writing = oneAtATime(async () => {
    try {
      await writeAtomically(path, JSON.stringify(kept))
      isFailing = false
    } catch (cause) {
      const { code = 'unknown reason' } = cause as NodeJS.ErrnoException
      if (!isFailing) log.warn({ path, reason: code }, 'the last good supergraph cannot be kept')
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

/** One record per location. The query of a URL does not count: it may change with every start. */
function nameOf(location: string): string {
  const id = isUrl(location) ? displayUrl(location) : resolve(location)
  return createHash('sha256').update(id).digest('hex').slice(0, 16)
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

async function writeAtomically(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (cause) {
    await rm(draft, { force: true }).catch(() => {})
    throw cause
  }
}
