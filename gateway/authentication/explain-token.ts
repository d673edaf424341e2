/**
 * What the gateway would decide about a token, check by check. It judges with the very code that
 * judges requests, and where one check fails it forgives that one and goes on, so that an operator
 * sees everything that is wrong at once.
 */
import type { Clock } from './clock.ts'
import { issuerOf } from './issuer.ts'
import type { Issuer } from './issuer.ts'
import { readToken } from './read-token.ts'
import type { UnverifiedToken } from './read-token.ts'
import { checkOf, TokenRefused } from './token-refused.ts'
import type { TokenCheck, TokenReason } from './token-refused.ts'
import { accessTokenVerifier } from './verify-access-token.ts'
import type { AccessTokenRules, VerifiedToken } from './verify-access-token.ts'
import { withAliases } from './algorithms.ts'

export interface TokenExplanation {
  /** What the gateway answers: `accepted`, or the reason of its refusal. */
  readonly decision: 'accepted' | TokenReason
  readonly checks: readonly ExplainedCheck[]
  /** What the token says, verified or not; undefined when it cannot be read. */
  readonly token: UnverifiedToken | undefined
  /** The claims that subgraphs would get at most, of a token whose signature is valid. */
  readonly claims: Readonly<Record<string, unknown>> | undefined
}

export interface ExplainedCheck {
  readonly check: TokenCheck
  readonly verdict: 'passed' | 'failed' | 'not looked at'
  readonly reason?: TokenReason
  readonly detail: string
}

export interface ExplainTokenParts {
  issuers: ReadonlyMap<string, Issuer>
  clock: Clock
}

interface Failure {
  readonly reason: TokenReason
  readonly detail: string
}

/** The parts of a judgement, in order; each ends with the first check that fails. */
const stages = ['read', 'issuer', 'verify', 'claims', 'revocation', 'done'] as const
type Stage = (typeof stages)[number]

interface Findings {
  token?: UnverifiedToken
  issuer?: Issuer
  verified?: VerifiedToken
  claims?: Readonly<Record<string, unknown>>
  readonly failures: Failure[]
  /** The stage in which the judgement has ended. */
  stage: Stage
}

/** Returns every check with its verdict, in the order in which the gateway makes them. */
export async function explainToken(
  text: string,
  { issuers, clock }: ExplainTokenParts,
): Promise<TokenExplanation> {
  const findings: Findings = { failures: [], stage: 'read' }
  try {
    findings.token = readToken(text)
    findings.stage = 'issuer'
    findings.issuer = issuerOf(findings.token.payload, issuers)
    findings.stage = 'verify'
    findings.verified = await verifyForgiving(findings.token, findings.issuer, findings, clock)
    await judgeClaims(findings.verified, findings.issuer, findings)
    findings.stage = 'done'
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error
    findings.failures.push(failureOf(error))
  }
  return {
    decision: findings.failures[0]?.reason ?? 'accepted',
    checks: explainChecks(findings, clock.now()),
    token: findings.token,
    claims: findings.claims,
  }
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
      if (!(error instanceof TokenRefused)) throw error
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

const forgiveness: Partial<Record<TokenReason, (token: UnverifiedToken) => Forgiveness>> = {
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
  findings.stage = 'claims'
  findings.claims = select(claims).claims
  findings.stage = 'revocation'
  if (!revocation) return
  await revocation.refuseRevoked(revocation.revocable(claims, key.keyId))
}

function failureOf({ reason, cause, message }: TokenRefused): Failure {
  return { reason, detail: cause instanceof Error ? cause.message : message }
}

interface Check {
  readonly stage: Stage
  /** What was found, for a check that passed. */
  readonly found: (findings: Findings, now: number) => string
}

/** In the order in which the gateway makes them: there is one for every reason of a refusal. */
const checks: Readonly<Record<TokenCheck, Check>> = {
  size: {
    stage: 'read',
    found: ({ token }) => (token ? `${token.text.length} bytes, at most 8192` : ''),
  },
  form: { stage: 'read', found: () => 'three parts in base64url' },
  header: { stage: 'read', found: () => 'no crit, jku, jwk, x5u, x5c, zip, b64' },
  issuer: { stage: 'issuer', found: ({ issuer }) => issuer?.name ?? '' },
  type: { stage: 'verify', found: ({ token }) => token?.type ?? 'none, which counts as JWT' },
  algorithm: { stage: 'verify', found: ({ token }) => token?.algorithm ?? '' },
  key: { stage: 'verify', found: ({ token }) => token?.keyId ?? '' },
  signature: { stage: 'verify', found: () => 'by that key' },
  'required claims': { stage: 'verify', found: () => 'iss, sub, aud, exp, iat are there' },
  audience: { stage: 'verify', found: ({ token }) => JSON.stringify(token?.payload.aud) },
  'not before': {
    stage: 'verify',
    found: ({ token }, now) => ago(token?.payload.nbf ?? token?.payload.iat, now),
  },
  expiry: { stage: 'verify', found: ({ token }, now) => ago(token?.payload.exp, now) },
  age: { stage: 'verify', found: ({ token }, now) => `issued ${ago(token?.payload.iat, now)}` },
  claims: { stage: 'claims', found: () => 'of the right kinds' },
  'claims to forward': {
    stage: 'claims',
    found: ({ claims }) => Object.keys(claims ?? {}).join(', '),
  },
  revocation: {
    stage: 'revocation',
    found: ({ issuer }) =>
      issuer?.revocation ? 'not revoked' : 'not asked: none is configured for this issuer',
  },
}

const checkNames = Object.keys(checks) as TokenCheck[]

/**
 * The last check that is certain to have passed when a stage ends with a reason that belongs to another:
 * `alg: none` is refused before the issuer is looked for, an `nbf` that is a text before `exp` is read.
 */
const lastCertain: Readonly<Record<Stage, TokenCheck>> = {
  read: 'header',
  issuer: 'header',
  verify: 'audience',
  claims: 'age',
  revocation: 'claims to forward',
  done: 'revocation',
}

function lastPassed({ stage, failures }: Findings): number {
  const stop = stage === 'done' ? undefined : failures.at(-1)
  const check = stop && checkOf(stop.reason)
  if (check === undefined || checks[check].stage !== stage) {
    return checkNames.indexOf(lastCertain[stage])
  }
  return checkNames.indexOf(check) - 1
}

function explainChecks(findings: Findings, now: number): ExplainedCheck[] {
  const passed = lastPassed(findings)
  return checkNames.map((check, index) => {
    const failure = findings.failures.find(({ reason }) => checkOf(reason) === check)
    const found = () => checks[check].found(findings, now)
    if (failure) {
      const detail = findings.token ? `${failure.detail} (${found()})` : failure.detail
      return { check, verdict: 'failed', reason: failure.reason, detail }
    }
    if (index > passed) return { check, verdict: 'not looked at', detail: '' }
    return { check, verdict: 'passed', detail: found() }
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
