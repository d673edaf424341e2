/**
 * What the gateway would decide about a token, check by check. It judges with the very code that
 * judges requests, and where one check fails it forgives that one and goes on, so that an operator
 * sees everything that is wrong at once.
 */
import { GatewayError } from '../errors.ts'
import type { ErrorName } from '../errors.ts'
import type { Clock } from './clock.ts'
import type { Issuer } from './issuer.ts'
import { readToken } from './read-token.ts'
import type { UnverifiedToken } from './read-token.ts'
import { accessTokenVerifier } from './verify-access-token.ts'
import type { AccessTokenRules, VerifiedToken } from './verify-access-token.ts'
import { withAliases } from './algorithms.ts'

export interface TokenExplanation {
  /** What the gateway answers: `accepted`, or the reason of its refusal. */
  readonly decision: 'accepted' | ErrorName
  readonly checks: readonly ExplainedCheck[]
  /** What the token says, verified or not; undefined when it cannot be read. */
  readonly token: UnverifiedToken | undefined
  /** The claims that subgraphs would get at most, of a token whose signature is valid. */
  readonly claims: Readonly<Record<string, unknown>> | undefined
}

export interface ExplainedCheck {
  readonly check: string
  readonly verdict: 'passed' | 'failed' | 'not looked at'
  readonly reason?: ErrorName
  readonly detail: string
}

export interface ExplainTokenParts {
  issuers: ReadonlyMap<string, Issuer>
  clock: Clock
}

interface Failure {
  readonly reason: ErrorName
  readonly detail: string
}

interface Findings {
  token?: UnverifiedToken
  issuer?: Issuer
  verified?: VerifiedToken
  claims?: Readonly<Record<string, unknown>>
  readonly failures: Failure[]
  /** Whether everything was looked at. */
  complete: boolean
}

/** Returns every check with its verdict, in the order in which the gateway makes them. */
export async function explainToken(
  text: string,
  { issuers, clock }: ExplainTokenParts,
): Promise<TokenExplanation> {
  const findings: Findings = { failures: [], complete: false }
  try {
    findings.token = readToken(text)
    findings.issuer = issuerOf(findings.token, issuers)
    findings.verified = await verifyForgiving(findings.token, findings.issuer, findings, clock)
    await judgeClaims(findings.verified, findings.issuer, findings)
    findings.complete = true
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    findings.failures.push(failureOf(error))
  }
  return {
    decision: findings.failures[0]?.reason ?? 'accepted',
    checks: explainChecks(findings, clock.now()),
    token: findings.token,
    claims: findings.claims,
  }
}

function issuerOf({ payload }: UnverifiedToken, issuers: ReadonlyMap<string, Issuer>): Issuer {
  if (payload.iss === undefined) {
    throw new GatewayError('CLAIM_MISSING', { cause: new Error('`iss` is missing') })
  }
  const issuer = issuers.get(payload.iss as string)
  if (issuer) return issuer
  throw new GatewayError('ISSUER_UNKNOWN')
}

/** Verifies again and again, each time without the rule that failed, until only the rest is left. */
async function verifyForgiving(
  token: UnverifiedToken,
  { options, keys }: Issuer,
  { failures }: Findings,
  clock: Clock,
): Promise<VerifiedToken> {
  let rules: AccessTokenRules = { ...options, algorithms: withAliases(options.algorithms) }
  let now = clock.now
  for (;;) {
    try {
      return await accessTokenVerifier(rules, keys, now)(token)
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      const forgive = forgiveness[error.reason]
      if (!forgive || failures.some(({ reason }) => reason === error.reason)) throw error
      failures.push(failureOf(error))
      const forgiven = forgive(token)
      rules = { ...rules, ...forgiven.rules }
      now = forgiven.now ?? now
    }
  }
}

interface Forgiveness {
  readonly rules?: Partial<AccessTokenRules>
  readonly now?: () => number
}

const forgiveness: Partial<Record<ErrorName, (token: UnverifiedToken) => Forgiveness>> = {
  TOKEN_TYPE_WRONG: ({ type }) => ({ rules: { tokenTypes: [type ?? 'JWT'] } }),
  AUDIENCE_MISMATCH: ({ payload }) => ({ rules: { audiences: [payload.aud].flat() as string[] } }),
  TOKEN_EXPIRED: ({ payload }) => ({ now: () => Number(payload.exp) * 1_000 - 1_000 }),
  TOKEN_NOT_YET_VALID: ({ payload }) => ({
    now: () => Math.max(Number(payload.nbf ?? 0), Number(payload.iat ?? 0)) * 1_000,
  }),
  TOKEN_TOO_OLD: () => ({ rules: { maxTokenAge: Number.MAX_SAFE_INTEGER } }),
}

async function judgeClaims(
  { claims, key }: VerifiedToken,
  { select, revocation }: Issuer,
  findings: Findings,
): Promise<void> {
  findings.claims = select(claims).claims
  if (!revocation) return
  await revocation.refuseRevoked(revocation.revocable(claims, key.keyId))
}

function failureOf({ reason, cause, message }: GatewayError): Failure {
  return { reason, detail: cause instanceof Error ? cause.message : message }
}

interface Check {
  readonly check: string
  readonly reasons: readonly ErrorName[]
  /** What was found, for a check that passed. */
  readonly found: (findings: Findings, now: number) => string
}

const checks: readonly Check[] = [
  {
    check: 'size',
    reasons: ['TOKEN_TOO_LARGE'],
    found: ({ token }) => (token ? `${token.text.length} bytes, at most 8192` : ''),
  },
  { check: 'form', reasons: ['TOKEN_MALFORMED'], found: () => 'three parts in base64url' },
  {
    check: 'header',
    reasons: ['HEADER_PARAMETER_REFUSED'],
    found: () => 'no crit, jku, jwk, x5u, x5c, zip, b64',
  },
  {
    check: 'issuer',
    reasons: ['ISSUER_UNKNOWN'],
    found: ({ issuer }) => issuer?.name ?? '',
  },
  {
    check: 'type',
    reasons: ['TOKEN_TYPE_WRONG'],
    found: ({ token }) => token?.type ?? 'none, which counts as JWT',
  },
  {
    check: 'algorithm',
    reasons: ['ALGORITHM_REFUSED'],
    found: ({ token }) => token?.algorithm ?? '',
  },
  {
    check: 'key',
    reasons: ['KEY_UNKNOWN', 'KEYS_UNAVAILABLE'],
    found: ({ token }) => token?.keyId ?? '',
  },
  { check: 'signature', reasons: ['SIGNATURE_INVALID'], found: () => 'by that key' },
  {
    check: 'required claims',
    reasons: ['CLAIM_MISSING'],
    found: () => 'iss, sub, aud, exp, iat are there',
  },
  {
    check: 'audience',
    reasons: ['AUDIENCE_MISMATCH'],
    found: ({ token }) => JSON.stringify(token?.payload.aud),
  },
  {
    check: 'not before',
    reasons: ['TOKEN_NOT_YET_VALID'],
    found: ({ token }, now) => ago(token?.payload.nbf ?? token?.payload.iat, now),
  },
  {
    check: 'expiry',
    reasons: ['TOKEN_EXPIRED'],
    found: ({ token }, now) => ago(token?.payload.exp, now),
  },
  {
    check: 'age',
    reasons: ['TOKEN_TOO_OLD'],
    found: ({ token }, now) => `issued ${ago(token?.payload.iat, now)}`,
  },
  { check: 'claims', reasons: ['CLAIM_INVALID'], found: () => 'of the right kinds' },
  {
    check: 'claims to forward',
    reasons: ['CLAIMS_TOO_LARGE'],
    found: ({ claims }) => Object.keys(claims ?? {}).join(', '),
  },
  {
    check: 'revocation',
    reasons: ['TOKEN_REVOKED', 'REVOCATION_UNAVAILABLE'],
    found: ({ issuer }) =>
      issuer?.revocation ? 'not revoked' : 'not asked: none is configured for this issuer',
  },
]

function explainChecks(findings: Findings, now: number): ExplainedCheck[] {
  const { failures, complete, token } = findings
  const stop = complete ? undefined : failures.at(-1)?.reason
  const stoppedAt = checks.findIndex(({ reasons }) => reasons.some((reason) => reason === stop))
  return checks.map(({ check, reasons, found }, index) => {
    const failure = failures.find(({ reason }) => reasons.includes(reason))
    if (failure) {
      const detail = token ? `${failure.detail} (${found(findings, now)})` : failure.detail
      return { check, verdict: 'failed', reason: failure.reason, detail }
    }
    if (stoppedAt >= 0 && index > stoppedAt) {
      return { check, verdict: 'not looked at', detail: '' }
    }
    return { check, verdict: 'passed', detail: found(findings, now) }
  })
}

/** A time as an operator reads it: when, and how far from now. */
function ago(seconds: unknown, now: number): string {
  const time = Number(seconds) * 1_000
  if (!Number.isFinite(time) || Math.abs(time) > 8.64e15) return String(seconds)
  const distance = Math.round((time - now) / 1_000)
  const words = distance >= 0 ? `in ${distance} s` : `${-distance} s ago`
  return `${new Date(time).toISOString()}, ${words}`
}
