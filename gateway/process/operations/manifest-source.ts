/** Where a manifest of known operations is: a file that is watched, or a URL that is polled. */
import { readFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { ManifestSettings } from '../../configuration/operations.ts'
import { displayUrl, isUrl, remoteSupergraph } from '../../supergraph/remote-supergraph.ts'
import type { SignedVersion, SupergraphCopy } from '../../supergraph/supergraph-source.ts'
import {
  faultOfSuccession,
  signedManifest,
  verifySignature,
} from '../../supergraph/verify-signature.ts'
import { watchSupergraph } from '../../supergraph/watch-supergraph.ts'

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
  readonly onChange: () => void
  readonly log: Logger
}

/** Returns the source; that of a URL after the first attempt to fetch it. A bad URL is a StartFailure. */
export function openManifest(options: ManifestSourceOptions): Promise<ManifestSource> {
  return isUrl(options.settings.from) ? manifestAtUrl(options) : manifestInFile(options)
}

/** How often a file that does not match its signature is read, and the pause between in milliseconds. */
const readings = { most: 20, pause: 100 }

async function manifestInFile(options: ManifestSourceOptions): Promise<ManifestSource> {
  const { from: path, keys } = options.settings
  const signaturePath = `${path}.jws`
  const watched = keys ? [path, signaturePath] : [path]
  const stops = watched.map((file) => watchSupergraph(file, options.onChange))
  const signed = signedVersions(keys)
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
    close: async () => stops.forEach((stop) => stop()),
  }

  function unreadable(fault: string): ManifestUnreadable {
    const about = { mayComeLater: false, isReported: false }
    return new ManifestUnreadable(`the manifest ${path} ${fault}`, about)
  }
}

async function manifestAtUrl(options: ManifestSourceOptions): Promise<ManifestSource> {
  const { settings, log } = options
  const signed = signedVersions(settings.keys)
  const remote = await remoteSupergraph({
    url: settings.from,
    settings,
    kind: signedManifest,
    record: { lastSigned: signed.last },
    log,
  })
  const stop = remote.onChange(options.onChange)
  const name = displayUrl(settings.from)
  return {
    name,
    async read() {
      const { copy, fault = `the manifest ${name} has not been fetched yet` } = remote.state()
      if (copy === undefined)
        throw new ManifestUnreadable(fault, { mayComeLater: true, isReported: true })
      const refused = await signed.faultOf(async () => copy)
      if (refused === undefined) return Buffer.from(copy.text)
      const about = { mayComeLater: true, isReported: false }
      throw new ManifestUnreadable(`the manifest ${name} ${refused}`, about)
    },
    used: signed.used,
    async close() {
      stop()
      await remote.close()
    },
  }
}

/** Verifies the signatures of one manifest, if there are keys; an older one must not follow one that was used. */
function signedVersions(keys: ManifestSettings['keys']) {
  let lastUsed: SignedVersion | undefined
  let lastRead: SignedVersion | undefined
  return {
    last: async () => lastUsed,
    used: () => void (lastUsed = lastRead),
    async faultOf(read: () => Promise<SupergraphCopy>): Promise<string | undefined> {
      if (!keys) return undefined
      const verified = await verifySignature(await read(), keys, signedManifest)
      if (verified.outcome === 'refused') return verified.fault
      lastRead = verified.version
      return faultOfSuccession(verified.version, lastUsed, 'to go back to it, sign it again')
    },
  }
}
