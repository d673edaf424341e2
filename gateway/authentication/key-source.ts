/** Reads an issuer's keys from an address, its metadata, a file or the configuration. */
import { readFile } from 'node:fs/promises'
import { FetchFailure } from './fetch-failure.ts'
import type { DocumentFetcher, FetchDocumentOptions, Sharing } from './fetch-document.ts'
import type { FetchedDocument } from './fetched-document.ts'
import { metadataAddresses, readMetadata } from './issuer-metadata.ts'
import type { FindAddress } from './issuer-metadata.ts'
import { JsonTooDeep, parseJson } from './parse-json.ts'

export type KeyPlace =
  | { readonly kind: 'discovery' }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'inline'; readonly document: unknown }

export interface KeyDocument {
  readonly document: unknown
  /** How long the issuer says that it is fresh, in milliseconds. */
  readonly maxAge?: number | undefined
  /** How long ago it was fetched, in milliseconds. */
  readonly age?: number | undefined
  /** Why there is no newer one: this is the last one that another process fetched. */
  readonly failure?: FetchFailure | undefined
}

/** Reads the newest key set; it rejects if there is none. */
export type KeySource = (sharing?: Sharing) => Promise<KeyDocument>

export interface KeySourceParts {
  issuer: string
  allowHttp: boolean
  /** The longest a fetch may take, in milliseconds. */
  timeout: number
  fetch: DocumentFetcher
}

/** Fifty RSA keys, each with its chain of certificates. */
const maxSize = 512 * 1024
/** In milliseconds. */
const metadataSharedFor = 5_000
const keySetTypes = ['application/json', 'application/jwk-set+json']

/** Returns a function that reads the keys from that place. */
export function keySource(place: KeyPlace, parts: KeySourceParts): KeySource {
  switch (place.kind) {
    case 'inline':
      return async () => ({ document: place.document })
    case 'file':
      return async () => ({
        document: readJson(new TextDecoder().decode(await readFile(place.path))),
      })
    case 'url':
      return (sharing) => fetchKeySet(place.url, parts, sharing)
    case 'discovery':
      return discovered(parts)
  }
}

/** The address found in the metadata is used until it fails; then the metadata is read again. */
function discovered(parts: KeySourceParts): KeySource {
  let address: string | undefined
  return async (sharing) => {
    try {
      address ??= await discoverKeys(parts)
      const keys = await fetchKeySet(address, parts, sharing)
      if (keys.failure) address = undefined
      return keys
    } catch (cause) {
      address = undefined
      throw cause
    }
  }
}

async function discoverKeys(parts: KeySourceParts): Promise<string> {
  const address = (await discoverMetadata(parts))('jwks_uri')
  if (address === undefined) throw new FetchFailure('metadata without jwks_uri')
  return address
}

/** Returns a function that finds an address in the issuer's metadata, which are fetched now. */
export async function discoverMetadata(parts: KeySourceParts): Promise<FindAddress> {
  const { issuer, allowHttp, timeout, fetch } = parts
  const sharing = { youngerThan: metadataSharedFor }
  const options = { timeout, maxSize, mediaTypes: ['application/json'], sharing }
  let missing: unknown
  for (const url of metadataAddresses(issuer)) {
    try {
      const { body, failure } = await fetchOrLastGood(fetch, url, options)
      // Metadata that is gone may be at the next address.
      if (failure?.status === 404) throw failure
      return readMetadata(readJson(body), { issuer, allowHttp })
    } catch (cause) {
      if (!(cause instanceof FetchFailure && cause.status === 404)) throw cause
      missing = cause
    }
  }
  throw missing
}

async function fetchKeySet(
  url: string,
  { timeout, fetch }: KeySourceParts,
  sharing: Sharing | undefined,
): Promise<KeyDocument> {
  const options = { timeout, maxSize, mediaTypes: keySetTypes, sharing }
  const { body, maxAge, age, failure } = await fetchOrLastGood(fetch, url, options)
  return { document: readJson(body), maxAge, age, failure }
}

async function fetchOrLastGood(
  fetch: DocumentFetcher,
  url: string,
  options: FetchDocumentOptions,
): Promise<FetchedDocument & { failure?: FetchFailure }> {
  try {
    const response = await fetch(url, options)
    if ('body' in response) return response
    throw new FetchFailure('a response to a condition that was not set')
  } catch (failure) {
    if (!(failure instanceof FetchFailure) || !failure.lastGood) throw failure
    return { ...failure.lastGood, failure }
  }
}

function readJson(text: string): unknown {
  try {
    return parseJson(text)
  } catch (cause) {
    if (cause instanceof JsonTooDeep) throw new FetchFailure(`a document ${cause.message}`)
    throw new FetchFailure('a document that is not JSON')
  }
}
