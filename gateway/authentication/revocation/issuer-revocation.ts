/** Which of one issuer's verified tokens have been revoked since. */
import type { Logger } from 'pino'
import { TokenRefused } from '../token-refused.ts'
import type { Clock } from '../clock.ts'
import type { DocumentFetcher, Sharing } from '../fetch-document.ts'
import type { KeysInUse } from '../use-key.ts'
import { isCutOff, readCutOffs } from './not-before.ts'
import type { CutOffs } from './not-before.ts'
import { polledDocument } from './polled-document.ts'
import type { PolledDocument, PolledDocumentOptions } from './polled-document.ts'
import { publishedLists } from './published-lists.ts'
import { readSignedDocument } from './signed-document.ts'
import { readStatusList } from './status-list.ts'
import type { StatusList } from './status-list.ts'

export interface RevocationOptions extends PolledDocumentOptions {
  /** Addresses of status lists; one that ends in `/` stands for all that begin with it. */
  statusLists: readonly string[]
  /** Where the issuer lists its status lists; undefined: it is asked at addresses that end in `/`. */
  statusListAggregation?: string | undefined
  /** The address of the cut-offs, if the issuer publishes any. */
  cutOffs: string | undefined
  /** Past the time that a document may be stale: refuse all of its tokens, or accept them. */
  whenStale: 'refuse' | 'accept'
  /** Whether a token that points into no status list is refused. */
  required: boolean
  /** The longest a fetch may take, in milliseconds. */
  timeout: number
}

export interface RevocationParts {
  issuer: string
  algorithms: readonly string[]
  clockTolerance: number
  /** Finds where the issuer says that it lists its status lists. */
  discoverAggregation: () => Promise<string | undefined>
  keys: KeysInUse
  fetch: DocumentFetcher
  clock: Clock
  log: Logger
}

/** What the gateway remembers of a verified token, to ask about it later. */
export interface RevocableToken {
  /** As the issuer wrote it. */
  readonly subject: string
  /** Seconds since the epoch. */
  readonly issuedAt: number
  /** Its `gen`: how often the issuer had revoked what its subject had, when it was issued. */
  readonly generation: number | undefined
  readonly keyId: string
  readonly status: StatusReference | undefined
}

type VerifiedClaims = Readonly<Record<string, unknown>> & {
  readonly sub: string
  readonly iat: number
}

export interface StatusReference {
  readonly uri: string
  readonly index: number
}

export interface IssuerRevocation {
  /** Returns what to remember of a verified token; a claim that cannot be read is refused. */
  revocable(claims: VerifiedClaims, keyId: string): RevocableToken
  /**
   * Returns nothing for a token that stands, and throws TOKEN_REVOKED or REVOCATION_UNAVAILABLE for
   * another. A promise says the same once a list that is being fetched for the first time is there.
   */
  refuseRevoked(token: RevocableToken): void | Promise<void>
  /** The documents in use, with their age in milliseconds. */
  documents(): readonly { readonly uri: string; readonly age: number | undefined }[]
  /** Those without which tokens are refused now, of what is configured and what the issuer lists. */
  missing(): readonly string[]
  readonly firstAttempt: Promise<void>
  close(): void
}

interface FollowedList {
  readonly document: PolledDocument<StatusList>
  usedAt: number
}

/** The most status lists of one issuer that are followed at a time. */
const maxStatusLists = 64
const maxDocumentSize = 2 * 1024 * 1024

/** Starts to fetch the documents that are known by address, without waiting for them. */
export function issuerRevocation(
  options: RevocationOptions,
  parts: RevocationParts,
): IssuerRevocation {
  const { clock } = parts
  const lists = new Map<string, FollowedList>()
  for (const uri of options.statusLists) if (!uri.endsWith('/')) follow(uri)
  const published = publishedLists(options, { ...parts, isConfigured, follow: followPublished })
  const cutOffs = options.cutOffs === undefined ? undefined : followCutOffs(options.cutOffs)
  const documents = () => [
    ...[...lists.values()].map(({ document }) => document),
    ...(cutOffs ? [cutOffs] : []),
  ]

  return {
    revocable: (claims, keyId) => ({
      subject: claims.sub,
      issuedAt: claims.iat,
      generation: typeof claims.gen === 'number' ? claims.gen : undefined,
      keyId,
      status: reference(claims),
    }),
    refuseRevoked(token) {
      const first = firstOf(token)
      return first ? first.then(() => decide(token)) : decide(token)
    },
    documents: () => documents().map((document) => ({ uri: document.uri, age: document.age() })),
    missing() {
      if (options.whenStale === 'accept') return []
      const unusable = documents()
        .filter(({ uri }) => isReliedOn(uri))
        .filter((document) => document.current() === undefined)
      return [...published.missing(), ...unusable.map(({ uri }) => uri)]
    },
    firstAttempt: published.firstAttempt
      .then(() => Promise.all(documents().map((document) => document.firstAttempt)))
      .then(() => {}),
    close() {
      published.close()
      documents().forEach((document) => document.close())
    },
  }

  function isReliedOn(uri: string): boolean {
    return uri === options.cutOffs || options.statusLists.includes(uri) || published.has(uri)
  }

  function reference(claims: Readonly<Record<string, unknown>>): StatusReference | undefined {
    const { status } = claims
    if (status === undefined) {
      if (!options.required) return undefined
      throw new TokenRefused('CLAIM_MISSING', '`status` is missing')
    }
    const { idx, uri } = ((status as { status_list?: object } | null)?.status_list ?? {}) as {
      idx?: unknown
      uri?: unknown
    }
    if (typeof uri !== 'string' || !Number.isSafeInteger(idx) || (idx as number) < 0) {
      throw new TokenRefused('CLAIM_INVALID', '`status` has another form')
    }
    if (isConfigured(uri)) {
      return { uri, index: idx as number }
    }
    if (options.statusLists.length === 0 && !options.required) return undefined
    throw new TokenRefused(
      'CLAIM_INVALID',
      '`status` points to a list at an address that is not configured',
    )
  }

  /** What has to be waited for: documents that nobody has seen yet. */
  function firstOf({ status }: RevocableToken): Promise<unknown> | undefined {
    const list = status && listOf(status.uri)
    if (!cutOffs?.firstAttempt) return list?.firstAttempt
    return Promise.all([cutOffs.firstAttempt, list?.firstAttempt])
  }

  function decide(token: RevocableToken): void {
    if (cutOffs) refuseCutOff(token, usable(cutOffs))
    if (!token.status) return
    const list = usable(listOf(token.status.uri))
    if (!list || list.at(token.status.index) === 0) return
    throw new TokenRefused('TOKEN_REVOKED', 'by the status list')
  }

  function refuseCutOff(token: RevocableToken, known: CutOffs | undefined) {
    if (!known) return
    if (isCutOff(known, token))
      throw new TokenRefused('TOKEN_REVOKED', 'by the cut-off of its subject')
    if (known.keys.has(token.keyId)) {
      throw new TokenRefused('TOKEN_REVOKED', 'with the key that signed it')
    }
  }

  /** The content; without a usable one, what the operator chose: a refusal, or nothing to go by. */
  function usable<Content>(document: PolledDocument<Content>): Content | undefined {
    const content = document.current()
    if (content !== undefined || options.whenStale === 'accept') return content
    throw new TokenRefused('REVOCATION_UNAVAILABLE', `nothing current from ${document.uri}`)
  }

  function listOf(uri: string): PolledDocument<StatusList> {
    const followed = lists.get(uri)
    if (!followed) return follow(uri)
    followed.usedAt = clock.now()
    return followed.document
  }

  function follow(uri: string): PolledDocument<StatusList> {
    if (lists.size >= maxStatusLists) dropLongestUnused()
    const document = polledDocument(options, {
      ...documentParts(uri, 'statuslist+jwt'),
      read: async (text) => {
        const { payload, ...times } = await read(text, uri, 'statuslist+jwt')
        return { content: await readStatusList(payload.status_list), ...times }
      },
    })
    lists.set(uri, { document, usedAt: clock.now() })
    return document
  }

  function followPublished(uri: string): void {
    if (lists.has(uri) || lists.size < maxStatusLists) listOf(uri)
  }

  function isConfigured(uri: string): boolean {
    return options.statusLists.some((known) => covers(known, uri))
  }

  function dropLongestUnused(): void {
    const [uri, { document }] = [...lists].reduce((a, b) => (a[1].usedAt <= b[1].usedAt ? a : b))
    document.close()
    lists.delete(uri)
  }

  function followCutOffs(uri: string): PolledDocument<CutOffs> {
    return polledDocument(options, {
      ...documentParts(uri, 'revocations+jwt'),
      read: async (text) => {
        const { payload, ...times } = await read(text, uri, 'revocations+jwt')
        return { content: readCutOffs(payload), ...times }
      },
    })
  }

  function documentParts(uri: string, type: string) {
    const { timeout } = options
    const mediaTypes = [`application/${type}`]
    return {
      uri,
      fetch: (unlessEtag: string | undefined, sharing: Sharing) =>
        parts.fetch(uri, { timeout, maxSize: maxDocumentSize, mediaTypes, unlessEtag, sharing }),
      clock,
      log: parts.log,
    }
  }

  function read(text: string, uri: string, type: string) {
    const { issuer, algorithms, clockTolerance, keys } = parts
    const rules = { issuer, algorithms, type, maxSize: maxDocumentSize, clockTolerance }
    return readSignedDocument(text, uri, rules, keys, clock.now())
  }
}

/** Whether a configured address stands for that one. */
function covers(known: string, uri: string): boolean {
  return known === uri || (known.endsWith('/') && uri.startsWith(known))
}
