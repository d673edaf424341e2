/**
 * The checks of an access token in the order in which the gateway makes them, with their verdicts.
 */
import { claimAt } from './claim-path.ts'
import type { Issuer } from './issuer.ts'
import type { UnverifiedToken } from './read-token.ts'
import { checkOf } from './token-refused.ts'
import type { TokenCheck, TokenReason, TokenRefused } from './token-refused.ts'

export interface ExplainedCheck {
  readonly check: TokenCheck
  readonly verdict: 'passed' | 'failed' | 'not looked at'
  readonly reason?: TokenReason
  readonly detail: string
}

/** The stages of a judgement, in order; each ends with the first check that fails. */
export type Stage = 'read' | 'issuer' | 'verify' | 'claims' | 'revocation' | 'done'

/** What is known of a token when its judgement has ended. */
export interface Findings {
  token?: UnverifiedToken
  issuer?: Issuer
  claims?: Readonly<Record<string, unknown>>
  readonly failures: TokenRefused[]
  /** The stage in which the judgement has ended. */
  stage: Stage
}

interface Check {
  readonly stage: Stage
  /** Returns the detail of a check that passed. */
  readonly found: (findings: Findings, now: number) => string
}

const checks: Readonly<Record<TokenCheck, Check>> = {
  size: {
    stage: 'read',
    found: ({ token }) => (token ? `${token.text.length} bytes, at most 8192` : ''),
  },
  form: {
    stage: 'read',
    found: ({ token }) => (token?.form === 'opaque' ? 'opaque' : 'three parts in base64url'),
  },
  header: { stage: 'read', found: () => 'no crit, jku, jwk, x5u, x5c, zip, b64' },
  issuer: {
    stage: 'issuer',
    found: ({ issuer, token }) => issuer?.name ?? String(JSON.stringify(token?.payload.iss)),
  },
  type: { stage: 'verify', found: ({ token }) => token?.type ?? 'none, which counts as JWT' },
  algorithm: { stage: 'verify', found: ({ token }) => token?.algorithm ?? '' },
  key: { stage: 'verify', found: ({ token }) => token?.keyId ?? 'the only one for the algorithm' },
  signature: { stage: 'verify', found: () => 'by that key' },
  introspection: {
    stage: 'verify',
    found: ({ issuer }) => (issuer?.introspection ? 'active' : 'not needed'),
  },
  'sender constraint': {
    stage: 'verify',
    found: ({ token }) => (token?.payload.cnf === undefined ? 'none' : 'not checked'),
  },
  'required claims': { stage: 'verify', found: () => 'iss, sub, exp and the audience are there' },
  audience: {
    stage: 'verify',
    found: ({ token, issuer }) =>
      JSON.stringify(token && claimAt(token.payload, issuer?.options.audienceClaim ?? 'aud')),
  },
  'not before': {
    stage: 'verify',
    found: ({ token }, now) => distance(token?.payload.nbf ?? token?.payload.iat, now),
  },
  expiry: { stage: 'verify', found: ({ token }, now) => distance(token?.payload.exp, now) },
  age: {
    stage: 'verify',
    found: ({ token }, now) =>
      token?.payload.iat === undefined ? 'unknown' : `issued ${distance(token.payload.iat, now)}`,
  },
  claims: { stage: 'claims', found: () => 'of the right kinds' },
  'claims to forward': {
    stage: 'claims',
    found: ({ claims }) => Object.keys(claims ?? {}).join(', '),
  },
  revocation: {
    stage: 'revocation',
    found: ({ issuer }) =>
      issuer?.revocation ? 'not revoked' : 'not checked: none is configured for this issuer',
  },
}

const checkNames = Object.keys(checks) as TokenCheck[]

/**
 * The last check that is certain to have passed when a stage ends with a reason of another stage:
 * `alg: none` is refused before the issuer is chosen, an `nbf` that is a string before `exp` is read.
 */
const lastCertain: Readonly<Record<Stage, TokenCheck>> = {
  read: 'header',
  issuer: 'header',
  verify: 'audience',
  claims: 'age',
  revocation: 'claims to forward',
  done: 'revocation',
}

/** Returns every check with its verdict. */
export function explainChecks(findings: Findings, now: number): ExplainedCheck[] {
  const passed = lastPassed(findings)
  return checkNames.map((check, index) => {
    const failure = findings.failures.find(({ reason }) => checkOf(reason) === check)
    const found = () => checks[check].found(findings, now)
    if (failure) {
      const detail = findings.token ? `${detailOf(failure)} (${found()})` : detailOf(failure)
      return { check, verdict: 'failed', reason: failure.reason, detail }
    }
    if (index > passed) return { check, verdict: 'not looked at', detail: '' }
    return { check, verdict: 'passed', detail: found() }
  })
}

function lastPassed({ stage, failures }: Findings): number {
  const last = stage === 'done' ? undefined : failures.at(-1)
  const check = last && checkOf(last.reason)
  if (check === undefined || checks[check].stage !== stage) {
    return checkNames.indexOf(lastCertain[stage])
  }
  return checkNames.indexOf(check) - 1
}

function detailOf({ cause, message }: TokenRefused): string {
  return cause instanceof Error ? cause.message : message
}

/** Returns a time as an operator reads it: when, and how far from now. */
function distance(seconds: unknown, now: number): string {
  const time = Number(seconds) * 1_000
  if (!Number.isFinite(time) || Math.abs(time) > 8.64e15) return String(seconds)
  const difference = Math.round((time - now) / 1_000)
  const words = difference >= 0 ? `in ${difference} s` : `${-difference} s ago`
  return `${new Date(time).toISOString()}, ${words}`
}
