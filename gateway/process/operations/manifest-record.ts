import type { Logger } from 'pino'
import { keptSupergraph } from '../../supergraph/kept-supergraph.ts'
import type { KeptSupergraph } from '../../supergraph/kept-supergraph.ts'
import { displayUrl, isUrl } from '../../supergraph/remote-supergraph.ts'
import { digestOf } from '../../supergraph/verify-signature.ts'

export interface ManifestRecordOptions {
  /** A file or a URL. */
  readonly from: string
  readonly dataDirectory: string
  readonly log: Logger
}

/** Returns what has been used of a manifest, also before a restart. */
export function manifestRecord({
  from,
  dataDirectory: directory,
  log,
}: ManifestRecordOptions): Promise<KeptSupergraph> {
  const query = isUrl(from) ? new URL(from).search : ''
  // The query of a URL may be all that differs between two manifests, and a secret.
  const location = query ? `${displayUrl(from)}/${digestOf(query)}` : from
  return keptSupergraph({ directory, location, noun: 'operations', log })
}
