/** Where an issuer's keys come from: an address, its metadata, a file, or the configuration itself. */
import { readFile } from 'node:fs/promises'
import { FetchFailure } from './fetch-failure.ts'
import type { DocumentFetcher, FetchDocumentOptions, Sharing } from './fetch-document.ts'
import { metadataAddresses, readMetadata } from './issuer-metadata.ts'
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
}

/** Reads the newest key set; it rejects when there is none to be had. */
export type KeySource = (sharing?: Sharing) => Promise<KeyDocument>

export interface KeySourceParts {
  issuer: string
  allowHttp: boolean
  /** The longest a fetch may take, in milliseconds. */
  timeout: number
  fetch: DocumentFetcher
}

const maxSize = 64 * 1024
/** In milliseconds. */
const metadataSharedFor = 5_000
const keySetTypes = ['application/json', 'application/jwk-set+json']

/** Returns the function that reads the keys from that place. */
export function keySource(place: KeyPlace, parts: KeySourceParts): KeySource {
  const { timeout, fetch } = parts
  switch (place.kind) {
    case 'inline':
      return async () => ({ document: place.document })
    case 'file':
      return async () => ({ document: readJson(await readFile(place.path, 'utf8')) })
    case 'url':
      return (sharing) => fetchKeySet(place.url, { timeout, fetch, sharing })
    case 'discovery':
      return discovered(parts)
  }
}

/** The address found in the metadata is used until it fails; then the metadata is read again. */
function discovered(parts: KeySourceParts): KeySource {
  let address: string | undefined
  return async (sharing) => {
    try {
      address ??= await discover(parts)
      return await fetchKeySet(address, { ...parts, sharing })
    } catch (cause) {
      address = undefined
      throw cause
    }
  }
}

async function discover({ issuer, allowHttp, timeout, fetch }: KeySourceParts): Promise<string> {
  const sharing = { youngerThan: metadataSharedFor }
  const options = { timeout, maxSize, mediaTypes: ['application/json'], sharing }
  const document = await firstFound(metadataAddresses(issuer), (url) => get(fetch, url, options))
  return readMetadata(document, { issuer, allowHttp })
}

async function firstFound<T>(urls: readonly string[], read: (url: string) => Promise<T>) {
  let missing: unknown
  for (const url of urls) {
    try {
      return await read(url)
    } catch (cause) {
      if (!(cause instanceof FetchFailure && cause.status === 404)) throw cause
      missing = cause
    }
  }
  throw missing
}

async function fetchKeySet(
  url: string,
  {
    timeout,
    fetch,
    sharing,
  }: Pick<KeySourceParts, 'timeout' | 'fetch'> & { sharing: Sharing | undefined },
): Promise<KeyDocument> {
  const answer = await fetch(url, { timeout, maxSize, mediaTypes: keySetTypes, sharing })
  if ('unchanged' in answer) throw new FetchFailure('an answer to a condition that was not set')
  return { document: readJson(answer.body), maxAge: answer.maxAge, age: answer.age }
}

async function get(fetch: DocumentFetcher, url: string, options: FetchDocumentOptions) {
  const answer = await fetch(url, options)
  if ('unchanged' in answer) throw new FetchFailure('an answer to a condition that was not set')
  return readJson(answer.body)
}

function readJson(text: string): unknown {
  try {
    return parseJson(text)
  } catch (cause) {
    if (cause instanceof JsonTooDeep) throw new FetchFailure(`a document ${cause.message}`)
    throw new FetchFailure('a document that is not JSON')
  }
}
