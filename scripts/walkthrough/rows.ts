/** The table of the twelve steps: what each one should do, compared with what happened. */
import { developmentAccount } from '../../subgraphs/auth/accounts/development-account.ts'
import { describeCounts } from './counts.ts'
import type { Counts } from './counts.ts'
import type { GraphqlResponse } from './send.ts'
import { login, userData } from './walk-through.ts'
import type { Step, WalkThrough } from './walk-through.ts'

export interface Row {
  readonly step: number
  readonly who: 'client' | 'gateway' | 'auth' | 'users'
  readonly does: string
  /** The findings. The row is true if all of them are as expected. */
  readonly findings: readonly Finding[]
}

export interface Finding {
  readonly text: string
  readonly holds: boolean
}

const { id, username, name } = developmentAccount

/** Returns one row per step. */
export function rowsOf(walk: WalkThrough): Row[] {
  const { gateway, token, verified, loggedIn, wrongPassword, queried } = walk
  const payload = loggedIn.response.data?.login
  const received = queried.response.data?.userData
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
      finding(loggedIn.response.status === 200, `POST ${gateway}: ${loggedIn.response.status}`),
      handledBy(loggedIn.counts, { auth: 1, users: 0 }),
    ]),
    row(2, 'auth', 'verifies the credentials', [
      finding(loggedIn.response.errors.length === 0, `${username} with the password: valid`),
      finding(
        codeOf(wrongPassword.response) === 'INVALID_CREDENTIALS',
        `${username} with another password: ${describeError(wrongPassword.response)}`,
      ),
    ]),
    row(3, 'auth', 'creates the JWT: user info encoded, signed', [
      finding(verified !== undefined, 'its signature is verified by the keys that auth publishes'),
      finding(verified?.header.typ === 'at+jwt', `header ${jsonText(verified?.header)}`),
      finding(verified?.payload.sub === id, `claims ${jsonText(verified?.payload)}`),
    ]),
    row(4, 'auth', 'responds with the token', [
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
      finding(queried.response.status === 200, `POST ${gateway}: ${queried.response.status}`),
    ]),
    row(7, 'gateway', 'verifies signature and expiry: once', [
      finding(queried.response.errors.length === 0, `valid: ${describeError(queried.response)}`),
      tokensCounted('accepted', queried.counts.tokensAccepted),
    ]),
    row(8, 'users', 'resolves userData for the verified subject', [
      handledBy(queried.counts, { auth: 0, users: 1 }),
      finding(
        received?.id === verified?.payload.sub,
        `the subject ${verified?.payload.sub} got the data of ${received?.id}`,
      ),
    ]),
    row(9, 'client', 'receives id and name', [
      finding(received?.id === id && received?.name === name, jsonText(queried.response.data)),
    ]),
    row(10, 'client', 'sends the query with an expired, a tampered and a revoked token', [
      finding(true, 'expired: the token above, as auth would have signed it an hour ago'),
      finding(true, 'tampered: the token above, with the subject changed'),
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
        const { response } = refused[kind]
        return finding(isChallenge(response, reasons[kind]), `${kind}: ${response.challenge}`)
      }),
      finding(
        kinds.every((kind) => refused[kind].response.data === null),
        'no data with any of them; after expiry the client logs in again, or refreshes',
      ),
    ]),
  ]
}

/** Returns whether all findings of the row are as expected. */
export function isTrue({ findings }: Row): boolean {
  return findings.every(({ holds }) => holds)
}

/** Returns a row. */
export function row(
  step: number,
  who: Row['who'],
  does: string,
  findings: readonly Finding[],
): Row {
  return { step, who, does, findings }
}

/** Returns a finding. */
export function finding(holds: boolean, text: string): Finding {
  return { holds, text }
}

function handledBy(counts: Counts, expected: { auth: number; users: number }): Finding {
  const { gateway, auth, users } = counts
  const holds = gateway === 1 && auth === expected.auth && users === expected.users
  return finding(holds, describeCounts(counts))
}

function tokensCounted(what: string, count: number): Finding {
  return finding(count === 1, `tokens ${what} by the gateway: ${count}`)
}

function refusedAlone(kind: string, { response, counts }: Step): Finding[] {
  return [
    finding(response.status === 401, `${kind}: ${response.status}, ${describeError(response)}`),
    handledBy(counts, { auth: 0, users: 0 }),
    tokensCounted('refused', counts.tokensRefused),
  ]
}

/** RFC 6750 section 3.1. */
function isChallenge({ errors, challenge }: GraphqlResponse, reason: string): boolean {
  const extensions = errors[0]?.extensions
  return (
    extensions?.code === 'UNAUTHENTICATED' &&
    extensions.reason === reason &&
    challenge.startsWith('Bearer ') &&
    challenge.includes('error="invalid_token"')
  )
}

/** Returns the code of the first error. */
export function codeOf({ errors }: GraphqlResponse): string | undefined {
  return errors[0]?.extensions?.code
}

function describeError({ errors }: GraphqlResponse): string {
  const [error] = errors
  if (error === undefined) return 'no error'
  const { code, reason } = error.extensions ?? {}
  return [code, reason, error.message].filter(Boolean).join(', ')
}

function isJwt(token: string): boolean {
  return token.split('.').length === 3
}

/** Long enough to recognise it, too short to use it. */
function shortened(token: string): string {
  return `${token.slice(0, 10)}…${token.slice(-4)}`
}

/** With spaces, at which the table can break lines. */
function jsonText(value: unknown): string {
  return JSON.stringify(value)?.replaceAll(',"', ', "') ?? 'none'
}
