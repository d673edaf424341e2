/** The table of the twelve steps: what each one promises, held against what happened. */
import { developmentAccount } from '../../subgraphs/auth/accounts/development-account.ts'
import { describeCounts } from './counts.ts'
import type { Counts } from './counts.ts'
import type { Answer } from './send.ts'
import { login, userData } from './walk-through.ts'
import type { Step, WalkThrough } from './walk-through.ts'

export interface Row {
  readonly step: number
  readonly who: 'client' | 'gateway' | 'auth' | 'users'
  readonly does: string
  /** What was seen. The row is true when all of it is as promised. */
  readonly findings: readonly Finding[]
}

export interface Finding {
  readonly text: string
  readonly holds: boolean
}

const { id, username, name } = developmentAccount

/** Returns one row a step. */
export function rowsOf(walk: WalkThrough): Row[] {
  const { gateway, token, verified, loggedIn, wrongPassword, asked } = walk
  const payload = loggedIn.answer.data?.login
  const received = asked.answer.data?.userData
  const { expired, tampered, revoked } = walk
  const refused = { expired, tampered, revoked }
  const reasons = {
    expired: 'TOKEN_EXPIRED',
    tampered: 'SIGNATURE_INVALID',
    revoked: 'TOKEN_REVOKED',
  } as const
  const kinds = Object.keys(reasons) as (keyof typeof reasons)[]

  return [
    row(1, 'client', `sends ${login.query}`, [
      finding(loggedIn.answer.status === 200, `POST ${gateway}: ${loggedIn.answer.status}`),
      answeredBy(loggedIn.counts, { auth: 1, users: 0 }),
    ]),
    row(2, 'auth', 'verifies the credentials', [
      finding(loggedIn.answer.errors.length === 0, `${username} with the password: valid`),
      finding(
        codeOf(wrongPassword.answer) === 'INVALID_CREDENTIALS',
        `${username} with another password: ${describeError(wrongPassword.answer)}`,
      ),
    ]),
    row(3, 'auth', 'creates the JWT: user info encoded, signed', [
      finding(verified !== undefined, 'its signature is verified by the keys that auth publishes'),
      finding(verified?.header.typ === 'at+jwt', `header ${jsonText(verified?.header)}`),
      finding(verified?.payload.sub === id, `claims ${jsonText(verified?.payload)}`),
    ]),
    row(4, 'auth', 'answers with the token', [
      finding(isJwt(token), `the client receives ${shortened(token)}`),
      finding(
        payload?.expiresIn === Number(verified?.payload.exp) - Number(verified?.payload.iat),
        `expiresIn ${payload?.expiresIn}, as the token says`,
      ),
    ]),
    row(5, 'client', 'stores the token', [
      finding(isJwt(token), `authorization: Bearer ${shortened(token)}`),
    ]),
    row(6, 'client', `sends ${userData.query} with the token`, [
      finding(asked.answer.status === 200, `POST ${gateway}: ${asked.answer.status}`),
    ]),
    row(7, 'gateway', 'verifies signature and expiry: once', [
      finding(asked.answer.errors.length === 0, `valid: ${describeError(asked.answer)}`),
      tokensCounted('accepted', asked.counts.tokensAccepted),
    ]),
    row(8, 'users', 'resolves userData for the verified subject', [
      answeredBy(asked.counts, { auth: 0, users: 1 }),
      finding(
        received?.id === verified?.payload.sub,
        `the subject ${verified?.payload.sub} got the data of ${received?.id}`,
      ),
    ]),
    row(9, 'client', 'receives id and name', [
      finding(received?.id === id && received?.name === name, jsonText(asked.answer.data)),
    ]),
    row(10, 'client', 'sends the query with an expired, a tampered and a revoked token', [
      finding(true, 'expired: the token above, as auth would have signed it an hour ago'),
      finding(true, 'tampered: the token above, made out to somebody else'),
      finding(true, 'revoked: the token of another session, after logging out'),
    ]),
    row(
      11,
      'gateway',
      'verifies: refused, and no subgraph is called',
      kinds.flatMap((kind) => refusedAlone(kind, refused[kind])),
    ),
    row(12, 'client', 'sees that it is unauthenticated, and whether it was expiry', [
      ...kinds.map((kind) => {
        const { answer } = refused[kind]
        return finding(isChallenge(answer, reasons[kind]), `${kind}: ${answer.challenge}`)
      }),
      finding(
        kinds.every((kind) => refused[kind].answer.data === null),
        'no data with any of them; after expiry the client logs in again, or refreshes',
      ),
    ]),
  ]
}

/** Returns whether everything in the row was seen as promised. */
export function isTrue({ findings }: Row): boolean {
  return findings.every(({ holds }) => holds)
}

function row(step: number, who: Row['who'], does: string, findings: readonly Finding[]): Row {
  return { step, who, does, findings }
}

function finding(holds: boolean, text: string): Finding {
  return { holds, text }
}

function answeredBy(counts: Counts, expected: { auth: number; users: number }): Finding {
  const { gateway, auth, users } = counts
  const holds = gateway === 1 && auth === expected.auth && users === expected.users
  return finding(holds, describeCounts(counts))
}

function tokensCounted(what: string, count: number): Finding {
  return finding(count === 1, `tokens ${what} by the gateway: ${count}`)
}

function refusedAlone(kind: string, { answer, counts }: Step): Finding[] {
  return [
    finding(answer.status === 401, `${kind}: ${answer.status}, ${describeError(answer)}`),
    answeredBy(counts, { auth: 0, users: 0 }),
    tokensCounted('refused', counts.tokensRefused),
  ]
}

/** RFC 6750 section 3.1. */
function isChallenge({ errors, challenge }: Answer, reason: string): boolean {
  const extensions = errors[0]?.extensions
  return (
    extensions?.code === 'UNAUTHENTICATED' &&
    extensions.reason === reason &&
    challenge.startsWith('Bearer ') &&
    challenge.includes('error="invalid_token"')
  )
}

function codeOf({ errors }: Answer): string | undefined {
  return errors[0]?.extensions?.code
}

function describeError({ errors }: Answer): string {
  const [error] = errors
  if (error === undefined) return 'no error'
  const { code, reason } = error.extensions ?? {}
  return [code, reason, error.message].filter(Boolean).join(', ')
}

function isJwt(token: string): boolean {
  return token.split('.').length === 3
}

/** Enough to recognise it, too little to use it. */
function shortened(token: string): string {
  return `${token.slice(0, 10)}…${token.slice(-4)}`
}

/** With blanks, at which the table can break. */
function jsonText(value: unknown): string {
  return JSON.stringify(value)?.replaceAll(',"', ', "') ?? 'none'
}
