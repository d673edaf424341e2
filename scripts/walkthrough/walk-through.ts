/** The twelve steps from login to userData, and what happens to a token that is not valid. */
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import type { JSONWebKeySet, JWTPayload } from 'jose'
import { developmentAccount } from '../../subgraphs/auth/accounts/development-account.ts'
import type { Environment } from '../../subgraphs/kit/process/settings.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import type { SystemUrls } from '../start/start-system.ts'
import { describeCounts, difference, readCounts } from './counts.ts'
import type { Counts } from './counts.ts'
import { expiredToken } from './expired-token.ts'
import { send } from './send.ts'
import type { Answer, Operation } from './send.ts'

export interface Row {
  readonly step: number
  readonly who: 'client' | 'gateway' | 'auth' | 'users'
  readonly does: string
  /** What was seen to happen. The row is true when all of it is. */
  readonly findings: readonly Finding[]
}

export interface Finding {
  readonly text: string
  readonly holds: boolean
}

export interface WalkThroughParts {
  urls: SystemUrls
  /** The settings of the system: the expired token is signed with its own key. */
  environment: Environment
}

const { username, password, name } = developmentAccount

const login: Operation = {
  query:
    'mutation Login($username: String!, $password: String!) { login(username: $username, password: $password) { token expiresIn user { id } } }',
  variables: { username, password },
}
const userData: Operation = { query: 'query GetUserData { userData { id name } }' }

/** Returns one row a step, from real requests to the running system. */
export async function walkThrough({ urls, environment }: WalkThroughParts): Promise<Row[]> {
  const step = async (operation: Operation, token?: string): Promise<Step> => {
    const before = await readCounts(urls)
    const answer = await send(urls.gateway, operation, token)
    return { answer, counts: difference(before, await readCounts(urls)) }
  }
  const loggedIn = await step(login)
  const { token } = loggedIn.answer.data?.login ?? {}
  if (typeof token !== 'string') {
    throw new StartFailure(
      `${username} cannot log in at ${urls.gateway}: ${firstError(loggedIn.answer)}`,
    )
  }
  const wrong = await step({ ...login, variables: { username, password: `not ${password}` } })
  const verified = await verifyAsAnyoneCan(token, urls.auth)
  const asked = await step(userData, token)
  const refused = {
    expired: await step(userData, await expiredToken(token, environment)),
    tampered: await step(userData, tamperedToken(token)),
  }

  return [
    row(1, 'client', `sends ${login.query}`, [
      finding(loggedIn.answer.status === 200, `POST ${urls.gateway}: ${loggedIn.answer.status}`),
      answeredBy(loggedIn.counts, { auth: 1, users: 0 }),
    ]),
    row(2, 'auth', 'verifies the credentials', [
      finding(loggedIn.answer.errors.length === 0, `${username} with the password: valid`),
      finding(
        wrong.answer.errors[0]?.extensions?.code === 'INVALID_CREDENTIALS',
        `${username} with another password: ${firstError(wrong.answer)}`,
      ),
    ]),
    row(3, 'auth', 'creates the JWT: user info encoded, signed', [
      finding(verified !== undefined, 'its signature is verified by the keys that auth publishes'),
      finding(verified?.header.typ === 'at+jwt', `header ${jsonText(verified?.header)}`),
      finding(verified?.payload.sub === developmentAccount.id, `claims ${claimsText(verified)}`),
    ]),
    row(4, 'auth', 'answers with the token', [
      finding(token.split('.').length === 3, `the client receives ${shortened(token)}`),
      finding(
        lifetimeOf(verified?.payload) === loggedIn.answer.data?.login?.expiresIn,
        `expiresIn ${loggedIn.answer.data?.login?.expiresIn}, as the token says`,
      ),
    ]),
    row(5, 'client', 'stores the token', [
      finding(token.split('.').length === 3, `Authorization: Bearer ${shortened(token)}`),
    ]),
    row(6, 'client', `sends ${userData.query} with the token`, [
      finding(asked.answer.status === 200, `POST ${urls.gateway}: ${asked.answer.status}`),
    ]),
    row(7, 'gateway', 'verifies signature and expiry: once', [
      finding(asked.answer.errors.length === 0, `valid: ${firstError(asked.answer)}`),
      finding(asked.counts.gateway === 1, describeCounts(asked.counts)),
      tokensLookedAt('accepted', asked.counts.tokensAccepted),
    ]),
    row(8, 'users', 'resolves userData for the verified subject', [
      answeredBy(asked.counts, { auth: 0, users: 1 }),
      finding(
        asked.answer.data?.userData?.id === verified?.payload.sub,
        `the subject ${verified?.payload.sub} got the data of ${asked.answer.data?.userData?.id}`,
      ),
    ]),
    row(9, 'client', 'receives id and name', [
      finding(asked.answer.data?.userData?.name === name, JSON.stringify(asked.answer.data)),
    ]),
    row(10, 'client', 'sends the query with an expired, and with a tampered token', [
      finding(true, `expired: the token above, as auth would have signed it an hour ago`),
      finding(true, `tampered: the token above, made out to somebody else`),
    ]),
    row(
      11,
      'gateway',
      'verifies: refused, and no subgraph is called',
      Object.entries(refused).flatMap(([kind, { answer, counts }]) => [
        finding(answer.status === 401, `${kind}: ${answer.status}, ${firstError(answer)}`),
        answeredBy(counts, { auth: 0, users: 0 }),
        tokensLookedAt('refused', counts.tokensRefused),
      ]),
    ),
    row(12, 'client', 'sees that it is unauthenticated, and whether it was expiry', [
      finding(
        isUnauthenticated(refused.expired.answer, 'TOKEN_EXPIRED'),
        `expired: ${refused.expired.answer.challenge}: log in again`,
      ),
      finding(
        isUnauthenticated(refused.tampered.answer, 'SIGNATURE_INVALID'),
        `tampered: ${refused.tampered.answer.challenge}`,
      ),
      finding(
        [refused.expired, refused.tampered].every(({ answer }) => answer.data === null),
        'no data with either',
      ),
    ]),
  ]
}

/** Returns whether everything in the row was seen to be so. */
export function isTrue({ findings }: Row): boolean {
  return findings.every(({ holds }) => holds)
}

interface Step {
  readonly answer: Answer
  readonly counts: Counts
}

function row(step: number, who: Row['who'], does: string, findings: readonly Finding[]): Row {
  return { step, who, does, findings }
}

function finding(holds: boolean, text: string): Finding {
  return { holds, text }
}

function answeredBy(counts: Counts, expected: { auth: number; users: number }): Finding {
  const holds =
    counts.gateway === 1 && counts.auth === expected.auth && counts.users === expected.users
  return finding(holds, describeCounts(counts))
}

function tokensLookedAt(what: string, count: number): Finding {
  return finding(count === 1, `tokens ${what} by the gateway: ${count}`)
}

function isUnauthenticated({ errors, challenge }: Answer, reason: string): boolean {
  const [{ extensions } = {}] = errors as [Answer['errors'][number]?]
  return (
    extensions?.code === 'UNAUTHENTICATED' &&
    extensions.reason === reason &&
    challenge.startsWith('Bearer ') &&
    challenge.includes('error="invalid_token"')
  )
}

interface VerifiedToken {
  readonly header: Readonly<Record<string, unknown>>
  readonly payload: JWTPayload
}

/** As any service could: with the public keys alone. */
async function verifyAsAnyoneCan(token: string, auth: string): Promise<VerifiedToken | undefined> {
  try {
    const response = await fetch(new URL('/.well-known/jwks.json', auth))
    const keys = createLocalJWKSet((await response.json()) as JSONWebKeySet)
    const { payload, protectedHeader } = await jwtVerify(token, keys, { typ: 'at+jwt' })
    return { payload, header: { ...protectedHeader } }
  } catch {
    return undefined
  }
}

/** The same header and signature around a claim to be somebody else. */
function tamperedToken(token: string): string {
  const [header, , signature] = token.split('.')
  const claims = JSON.stringify({ ...decodeJwt(token), sub: '2' })
  return `${header}.${Buffer.from(claims).toString('base64url')}.${signature}`
}

function lifetimeOf(payload: JWTPayload | undefined): number {
  return Number(payload?.exp) - Number(payload?.iat)
}

function claimsText(token: VerifiedToken | undefined): string {
  return jsonText(token?.payload)
}

/** With blanks, at which the table can break. */
function jsonText(value: unknown): string {
  return JSON.stringify(value)?.replaceAll(',"', ', "') ?? 'none'
}

/** Enough to recognise it, too little to use it. */
function shortened(token: string): string {
  return `${token.slice(0, 10)}…${token.slice(-4)}`
}

function firstError({ errors }: Answer): string {
  const [error] = errors
  if (error === undefined) return 'no error'
  return [error.extensions?.code, error.extensions?.reason, error.message]
    .filter(Boolean)
    .join(', ')
}
