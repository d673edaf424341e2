/** Authentication: answers for every request who is calling. The only place that looks at a token. */
import type { Logger } from 'pino'
import { GatewayError } from '../errors.ts'
import type { ErrorName } from '../errors.ts'
import { withAliases } from './algorithms.ts'
import type { Authenticate, Caller } from './authenticate.ts'
import { systemClock } from './clock.ts'
import type { Clock } from './clock.ts'
import { documentFetcher } from './fetch-document.ts'
import type { DocumentFetcher } from './fetch-document.ts'
import { tokenFinder } from './find-token.ts'
import type { TokenSource } from './find-token.ts'
import { keySource } from './key-source.ts'
import type { KeyPlace } from './key-source.ts'
import { readToken } from './read-token.ts'
import type { UnverifiedToken } from './read-token.ts'
import { refreshingKeySet } from './refreshing-key-set.ts'
import type { IssuerKeys, KeySetOptions } from './refreshing-key-set.ts'
import { claimSelector } from './select-claims.ts'
import type { ClaimRules, ClaimSelector } from './select-claims.ts'
import { accessTokenVerifier } from './verify-access-token.ts'
import type { AccessTokenVerifier } from './verify-access-token.ts'

export interface IssuerOptions {
  /** The exact value of `iss`. */
  issuer: string
  keys: KeyPlace
  /** Whether keys may come without TLS from a host that is not this machine. */
  allowHttp: boolean
  audiences: readonly string[]
  algorithms: readonly string[]
  tokenTypes: readonly string[]
  /** In milliseconds, as all times here. */
  clockTolerance: number
  maxTokenAge: number
  scopesClaim: string
  subjectPrefix: string
  keySet: KeySetOptions & { timeout: number }
}

export interface AuthenticatorOptions {
  /** Whether an anonymous request is refused. */
  require: boolean
  issuers: readonly IssuerOptions[]
  sources: readonly TokenSource[]
  otherSchemes: 'refuse' | 'anonymous'
  /** `anonymous`: a token that is not valid is ignored, as if it were not there. */
  onInvalid: 'refuse' | 'anonymous'
  /** Undefined: every token is verified each time. */
  cache: { entries: number; refusedFor: number } | undefined
}

export interface AuthenticatorParts {
  claims: ClaimRules
  log: Logger
  clock?: Clock
}

export interface Authenticator {
  readonly authenticate: Authenticate
  /** Whether the tokens of every issuer can be verified. */
  ready(): boolean
  /** Why not, in words. */
  unreadiness(): readonly string[]
  /** Resolves when the first attempt to fetch each key set has ended, well or not. */
  readonly warm: Promise<void>
  close(): Promise<void>
}

interface Issuer {
  readonly name: string
  readonly keys: IssuerKeys
  readonly verify: AccessTokenVerifier
  readonly select: ClaimSelector
}

const anonymous: Caller = Object.freeze({ claims: null, carriedToken: false })
const anonymousDespiteToken: Caller = Object.freeze({ claims: null, carriedToken: true })

/** Returns the authenticator; it starts to fetch the issuers' keys, without waiting for them. */
export function authenticator(
  options: AuthenticatorOptions,
  parts: AuthenticatorParts,
): Authenticator {
  const { log, clock = systemClock } = parts
  const fetcher = documentFetcher()
  const issuers = new Map(
    options.issuers.map((each) => [each.issuer, issuer(each, { ...parts, clock }, fetcher.fetch)]),
  )
  const findToken = tokenFinder(options)

  return {
    authenticate(headers) {
      const token = findToken(headers)
      if (token !== undefined) return verify(token)
      if (options.require) throw new GatewayError('TOKEN_MISSING')
      return anonymous
    },
    ready: () => unreadiness().length === 0,
    unreadiness,
    warm: Promise.all([...issuers.values()].map(({ keys }) => keys.firstAttempt)).then(() => {}),
    async close() {
      for (const { keys } of issuers.values()) keys.close()
      await fetcher.close()
    },
  }

  function unreadiness(): string[] {
    return [...issuers.values()]
      .filter(({ keys }) => !keys.ready())
      .map(({ name }) => `no keys of ${name} yet`)
  }

  async function verify(text: string): Promise<Caller> {
    let token: UnverifiedToken | undefined
    try {
      token = readToken(text)
      const { name, verify, select } = issuerOf(token)
      const { claims } = await verify(token)
      return Object.freeze({
        claims: select(claims),
        expiresAt: claims.exp,
        issuer: name,
        carriedToken: true,
      })
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      logRefusal(error, token)
      if (options.onInvalid === 'anonymous' && error.row.status === 401 && !options.require) {
        return anonymousDespiteToken
      }
      throw error
    }
  }

  function issuerOf({ payload }: UnverifiedToken): Issuer {
    if (payload.iss === undefined) {
      throw new GatewayError('CLAIM_MISSING', { cause: new Error('`iss` is missing') })
    }
    const found = typeof payload.iss === 'string' ? issuers.get(payload.iss) : undefined
    if (found) return found
    throw new GatewayError('ISSUER_UNKNOWN')
  }

  function logRefusal({ reason, cause }: GatewayError, token: UnverifiedToken | undefined): void {
    const { jti, sub } = token?.payload ?? {}
    log.info(
      {
        reason: reason satisfies ErrorName,
        cause: (cause as Error | undefined)?.message,
        jti: shortened(jti),
        sub: shortened(sub),
      },
      'access token refused',
    )
  }
}

function issuer(
  options: IssuerOptions,
  { claims, log, clock }: Required<AuthenticatorParts>,
  fetch: DocumentFetcher,
): Issuer {
  const algorithms = withAliases(options.algorithms)
  const { issuer: name, allowHttp, keySet } = options
  const keys = refreshingKeySet(keySet, {
    issuer: name,
    source: keySource(options.keys, { issuer: name, allowHttp, timeout: keySet.timeout, fetch }),
    algorithms,
    symmetric: options.keys.kind === 'file' || options.keys.kind === 'inline',
    clock,
    log,
  })
  const verify = accessTokenVerifier({ ...options, algorithms }, keys, clock.now)
  return { name, keys, verify, select: claimSelector(claims, options) }
}

/** What a token says of itself goes to the log only in part: it may be any text of any length. */
function shortened(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, 100) : undefined
}
