/** Which of one issuer's verified tokens have been revoked since. */
import { TokenRefused } from '../token-refused.ts'
import { followedLists } from './followed-lists.ts'
import { isBefore, readNotBefore } from './not-before.ts'
import type { NotBeforePolicy } from './not-before.ts'
import type { PolledDocument } from './polled-document.ts'
import { polledSignedDocument } from './polled-signed-document.ts'
import type { SignedDocumentParts } from './polled-signed-document.ts'
import { publishedLists } from './published-lists.ts'
import type { PublishedListsOptions, PublishedListsParts } from './published-lists.ts'
import { isConfigured, readStatusReference } from './status-reference.ts'
import type { StatusReference, StatusReferenceRules } from './status-reference.ts'

export interface RevocationOptions extends PublishedListsOptions, StatusReferenceRules {
  /** The address of the not-before policy, if the issuer publishes one. */
  notBefore?: string | undefined
  /** What happens to all tokens of a document that is too old: they are refused or accepted. */
  whenStale: 'refuse' | 'accept'
}

export type RevocationParts = SignedDocumentParts & Pick<PublishedListsParts, 'discoverAggregation'>

/** What the gateway remembers of a verified token, to check it again later. */
export interface RevocableToken {
  /** As the issuer wrote it. */
  readonly subject: string
  /** Seconds since the epoch. */
  readonly issuedAt: number
  /** Its `gen`: how often the issuer had revoked the tokens of its subject, when it was issued. */
  readonly generation: number | undefined
  readonly keyId: string
  readonly status: StatusReference | undefined
}

type VerifiedClaims = Readonly<Record<string, unknown>> & {
  readonly sub: string
  readonly iat?: number
}

/** The revocations of one issuer. */
export type IssuerRevocation = ReturnType<typeof issuerRevocation>

/** Starts to fetch the documents that are known by address, without waiting for them. */
export function issuerRevocation(options: RevocationOptions, parts: RevocationParts) {
  const { statusLists } = options
  const lists = followedLists(options, parts)
  for (const uri of statusLists) if (!uri.endsWith('/')) lists.at(uri)
  const published = publishedLists(options, {
    ...parts,
    isConfigured: (uri) => isConfigured(uri, statusLists),
    follow: lists.followIfRoom,
  })
  const notBefore = notBeforeDocument(options, parts)
  const documents = () => [...lists.documents(), ...(notBefore ? [notBefore] : [])]

  return {
    /** Returns what to remember of a verified token; a claim that cannot be read is refused. */
    revocable: (claims: VerifiedClaims, keyId: string): RevocableToken => ({
      subject: claims.sub,
      // Without the time, it counts as issued before every policy.
      issuedAt: claims.iat ?? 0,
      generation: typeof claims.gen === 'number' ? claims.gen : undefined,
      keyId,
      status: readStatusReference(claims, options),
    }),
    /**
     * Returns nothing for a token that is not revoked, and throws TOKEN_REVOKED or
     * REVOCATION_UNAVAILABLE for any other. A promise does the same once a document that is being
     * fetched for the first time is there.
     */
    refuseRevoked(token: RevocableToken): void | Promise<void> {
      const waiting = firstAttemptFor(token)
      return waiting ? waiting.then(() => decide(token)) : decide(token)
    },
    /** Returns the documents in use, with their age in milliseconds. */
    documents: () => documents().map((document) => ({ uri: document.uri, age: document.age() })),
    /** Returns the configured and published addresses without which tokens are refused now. */
    missing(): string[] {
      if (options.whenStale === 'accept') return []
      const unusable = documents()
        .filter(({ uri }) => isReliedOn(uri))
        .filter((document) => document.current() === undefined)
      return [...published.missing(), ...unusable.map(({ uri }) => uri)]
    },
    firstAttempt: published.firstAttempt
      .then(() => Promise.all(documents().map((document) => document.firstAttempt)))
      .then(() => {}),
    close(): void {
      published.close()
      documents().forEach((document) => document.close())
    },
  }

  function isReliedOn(uri: string): boolean {
    return uri === options.notBefore || statusLists.includes(uri) || published.has(uri)
  }

  /** A token has to wait for a document that was never fetched. */
  function firstAttemptFor({ status }: RevocableToken): Promise<unknown> | undefined {
    const list = status && lists.at(status.uri)
    if (!notBefore?.firstAttempt) return list?.firstAttempt
    return Promise.all([notBefore.firstAttempt, list?.firstAttempt])
  }

  function decide(token: RevocableToken): void {
    if (notBefore) refuseBefore(token, usable(notBefore))
    if (!token.status) return
    const list = usable(lists.at(token.status.uri))
    if (!list || list.at(token.status.index) === 0) return
    throw new TokenRefused('TOKEN_REVOKED', 'by the status list')
  }

  /**
   * Returns the content; for a document that is too old, refuses or returns undefined as
   * configured.
   */
  function usable<Content>(document: PolledDocument<Content>): Content | undefined {
    const content = document.current()
    if (content !== undefined || options.whenStale === 'accept') return content
    throw new TokenRefused('REVOCATION_UNAVAILABLE', `nothing current from ${document.uri}`)
  }
}

function notBeforeDocument(
  options: RevocationOptions,
  parts: SignedDocumentParts,
): PolledDocument<NotBeforePolicy> | undefined {
  if (options.notBefore === undefined) return undefined
  const form = { type: 'revocations+jwt', read: readNotBefore }
  return polledSignedDocument(options.notBefore, form, options, parts)
}

function refuseBefore(token: RevocableToken, policy: NotBeforePolicy | undefined): void {
  if (!policy) return
  if (isBefore(policy, token)) {
    throw new TokenRefused('TOKEN_REVOKED', 'by the not-before policy of its subject')
  }
  if (policy.keys.has(token.keyId)) {
    throw new TokenRefused('TOKEN_REVOKED', 'with the key that signed it')
  }
}
