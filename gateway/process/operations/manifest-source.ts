/** Where a manifest of known operations is: a file that is watched, or a URL that is polled. */
import { readFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { ManifestSettings } from '../../configuration/operations.ts'
import { displayUrl, isUrl } from '../../supergraph/remote-supergraph.ts'
import type {
  ServedRecord,
  SignedVersion,
  SupergraphCopy,
} from '../../supergraph/supergraph-source.ts'
import {
  digestOf,
  faultOfSuccession,
  signedManifest,
  verifySignature,
} from '../../supergraph/verify-signature.ts'
import { watchSupergraph } from '../../supergraph/watch-supergraph.ts'
import { manifestRecord } from './manifest-record.ts'
import type { OpenRemoteManifest } from './remote-manifest.ts'

/** A manifest cannot be read; the message is a sentence for the operator. */
export class ManifestUnreadable extends Error {
  override name = 'ManifestUnreadable'
  /** Whether a gateway starts without it, as it may be there at any time. */
  readonly mayComeLater: boolean
  /** Whether the log has that sentence already. */
  readonly isReported: boolean

  constructor(sentence: string, about: { mayComeLater: boolean; isReported: boolean }) {
    super(sentence)
    this.mayComeLater = about.mayComeLater
    this.isReported = about.isReported
  }
}

export interface ManifestSource {
  /** What it is called in messages: a path, or a URL without its query. */
  readonly name: string
  /** Returns the bytes that are there now, with a valid signature if one is needed; rejects with ManifestUnreadable. */
  read(): Promise<Buffer>
  /** Notes that what was read last is used: an older one is a rollback from now on. */
  used(): void
  close(): Promise<void>
}

export interface ManifestSourceOptions {
  readonly settings: ManifestSettings
  readonly openRemote: OpenRemoteManifest
  /** Where is kept which signature of a file was used last. */
  readonly dataDirectory: string
  readonly onChange: () => void
  readonly log: Logger
}

/** Returns the source; that of a URL after the first attempt to fetch it. A bad URL is a StartFailure. */
export function openManifest(options: ManifestSourceOptions): Promise<ManifestSource> {
  return isUrl(options.settings.from) ? manifestAtUrl(options) : manifestInFile(options)
}

/** How often a file that does not match its signature is read, and the pause between in milliseconds. */
const readings = { most: 20, pause: 100 }

/** A larger text is not kept for a start while its URL cannot be reached: that would take long. */
const mostKept = 16 * 1024 * 1024

async function manifestInFile(options: ManifestSourceOptions): Promise<ManifestSource> {
  const { dataDirectory, log } = options
  const { from: path, keys } = options.settings
  const signaturePath = `${path}.jws`
  const watched = keys ? [path, signaturePath] : [path]
  const stops = watched.map((file) => watchSupergraph(file, options.onChange))
  const record = await manifestRecord({ from: path, dataDirectory, log })
  const signed = signedVersions(keys, record)
  return {
    name: path,
    async read() {
      for (let count = 1; ; count++) {
        const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
          throw unreadable(`cannot be read (${cause.code})`)
        })
        const fault = await signed.faultOf(async () => ({
          text: bytes.toString(),
          signature: await readFile(signaturePath, 'utf8').catch(() => undefined),
        }))
        if (fault === undefined) return bytes
        // The file may be written already and its signature not yet, or the other way round.
        if (count === readings.most) throw unreadable(fault)
        await new Promise((resolve) => setTimeout(resolve, readings.pause))
      }
    },
    used: signed.used,
    async close() {
      stops.forEach((stop) => stop())
      await record.written()
    },
  }

  function unreadable(fault: string): ManifestUnreadable {
    const about = { mayComeLater: false, isReported: false }
    return new ManifestUnreadable(`the manifest ${path} ${fault}`, about)
  }
}

async function manifestAtUrl(options: ManifestSourceOptions): Promise<ManifestSource> {
  const { settings } = options
  const { feed, record, close } = await options.openRemote(settings)
  const signed = signedVersions(settings.keys, record)
  const stop = feed.onChange(options.onChange)
  const name = displayUrl(settings.from)
  let read: SupergraphCopy | undefined
  return {
    name,
    async read() {
      const { copy, fault = `the manifest ${name} has not been fetched yet` } = feed.state()
      const newest = copy ?? (await record.lastGood())
      if (newest === undefined) {
        throw new ManifestUnreadable(fault, { mayComeLater: true, isReported: true })
      }
      const refused = await signed.faultOf(async () => newest)
      if (refused !== undefined) {
        const about = { mayComeLater: true, isReported: false }
        throw new ManifestUnreadable(`the manifest ${name} ${refused}`, about)
      }
      read = newest
      return Buffer.from(newest.text)
    },
    used() {
      if (settings.keys) return signed.used()
      if (read && read.text.length <= mostKept) record.served({ digest: digestOf(read.text) })
    },
    async close() {
      stop()
      await close()
    },
  }
}

/** Verifies the signatures of one manifest, if there are keys; an older one must not follow one that was used. */
function signedVersions(keys: ManifestSettings['keys'], record: ServedRecord) {
  let lastRead: SignedVersion | undefined
  return {
    used: () => lastRead && record.served(lastRead),
    async faultOf(read: () => Promise<SupergraphCopy>): Promise<string | undefined> {
      if (!keys) return undefined
      const verified = await verifySignature(await read(), keys, signedManifest)
      if (verified.outcome === 'refused') return verified.fault
      const { version } = verified
      const fault = faultOfSuccession(
        version,
        await record.lastSigned(),
        'sign it again to go back',
      )
      if (fault === undefined) lastRead = version
      return fault
    },
  }
}
