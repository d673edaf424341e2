/**
 * The status lists that an issuer publishes (Token Status List, section 9: status list aggregation), so
 * that they are fetched before the first token references one.
 */
import { FetchFailure } from '../fetch-failure.ts'
import type { Sharing } from '../fetch-document.ts'
import { parseJson } from '../parse-json.ts'
import { polledDocument } from './polled-document.ts'
import type { PolledDocument } from './polled-document.ts'
import type { SignedDocumentOptions, SignedDocumentParts } from './polled-signed-document.ts'

export interface PublishedListsOptions extends SignedDocumentOptions {
  /** Addresses of status lists; one that ends in `/` covers all that begin with it. */
  statusLists: readonly string[]
  /** Where the issuer lists them; undefined: requested at addresses that end in `/`. */
  statusListAggregation?: string | undefined
}

export interface PublishedListsParts extends Pick<
  SignedDocumentParts,
  'issuer' | 'fetch' | 'clock' | 'log'
> {
  /** Finds the address that the issuer's metadata name for the list of its status lists. */
  discoverAggregation: () => Promise<string | undefined>
  isConfigured: (uri: string) => boolean
  /** Called for each list that is new among those published. */
  follow: (uri: string) => void
}

/** A place where the issuer lists its status lists. */
interface Place {
  readonly uri: string
  /**
   * Whether the issuer may list none. The address is then the one below which its lists are: the list
   * of them may be there, as with the auth subgraph, or where the metadata say.
   */
  readonly optional: boolean
}

const maxSize = 256 * 1024
/**
 * The most lists that are taken from one document; a token that references another one leads to it.
 */
const mostLists = 4_096
const mediaTypes = ['application/json']
/** The least time between two requests, in milliseconds: a new list is seldom. */
const leastRefresh = 30_000

/** Returns the published lists; it starts to fetch them, without waiting for it. */
export function publishedLists(options: PublishedListsOptions, parts: PublishedListsParts) {
  const { clock, log, issuer } = parts
  const known = new Map<Place, ReadonlySet<string>>()
  const documents = placesOf(options).map(followPlace)

  return {
    /** Returns whether the issuer publishes the list at that address. */
    has: (uri: string) => [...known.values()].some((uris) => uris.has(uri)),
    /** Returns the addresses of the lists of lists that have not been fetched yet. */
    missing: () => documents.filter(({ age }) => age() === undefined).map(({ uri }) => uri),
    /** Resolves when the first attempt at each place has ended, with success or without. */
    firstAttempt: Promise.all(documents.map(({ firstAttempt }) => firstAttempt)),
    close: () => documents.forEach(({ close }) => close()),
  }

  function followPlace(place: Place): PolledDocument<ReadonlySet<string>> {
    const { refresh, staleFor } = options
    return polledDocument(
      { refresh: Math.max(refresh, leastRefresh), staleFor },
      {
        uri: place.uri,
        fetch: (unlessEtag, sharing) => fetchList(place, unlessEtag, sharing),
        read: async (text) => {
          const content = readList(text, place)
          takeUp(place, content)
          return { content, usableUntil: Infinity, timeToLive: undefined }
        },
        clock,
        log,
      },
    )
  }

  /**
   * Where it is optional, any response means that there are no lists; without a response it is
   * unknown.
   */
  async function fetchList(
    { uri, optional }: Place,
    unlessEtag: string | undefined,
    sharing: Sharing,
  ) {
    const { timeout } = options
    try {
      const url = (optional ? await parts.discoverAggregation() : undefined) ?? uri
      return await parts.fetch(url, { timeout, maxSize, mediaTypes, unlessEtag, sharing })
    } catch (cause) {
      const hasResponse = cause instanceof FetchFailure && cause.status !== undefined
      if (!optional || !hasResponse || cause.lastGood) throw cause
      return { body: '{"status_lists":[]}', etag: undefined, maxAge: undefined }
    }
  }

  function takeUp(place: Place, uris: ReadonlySet<string>): void {
    const before = known.get(place)
    known.set(place, uris)
    const added = [...uris].filter((uri) => !before?.has(uri))
    added.filter(parts.isConfigured).forEach(parts.follow)
    const foreign = added.filter((uri) => !parts.isConfigured(uri))
    if (foreign.length === 0) return
    log.warn(
      { issuer, uris: foreign.slice(0, 5) },
      'the issuer publishes status lists that status_lists does not cover: tokens that point there are refused',
    )
  }
}

function placesOf({ statusLists, statusListAggregation }: PublishedListsOptions): Place[] {
  if (statusListAggregation !== undefined) return [{ uri: statusListAggregation, optional: false }]
  return statusLists
    .filter((address) => address.endsWith('/'))
    .map((uri) => ({ uri, optional: true }))
}

function readList(text: string, { optional }: Place): ReadonlySet<string> {
  const uris = statusListsIn(text)
  if (uris === undefined && !optional) {
    throw new Error('it is not a JSON object with a list `status_lists`')
  }
  return new Set(uris?.slice(0, mostLists))
}

function statusListsIn(text: string): string[] | undefined {
  try {
    const { status_lists: uris } = Object(parseJson(text)) as { status_lists?: unknown }
    return Array.isArray(uris) && uris.every((uri) => typeof uri === 'string') ? uris : undefined
  } catch {
    return undefined
  }
}
