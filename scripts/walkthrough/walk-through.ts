/** Goes the way from login to userData, and tries tokens that are not valid; tells what happened. */
import { setTimeout as delay } from 'node:timers/promises'
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import type { JSONWebKeySet, JWTPayload } from 'jose'
import { developmentAccount } from '../../subgraphs/auth/accounts/development-account.ts'
import type { Environment } from '../../subgraphs/kit/process/settings.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import type { SystemUrls } from '../start/start-system.ts'
import { difference, readCounts } from './counts.ts'
import type { Counts } from './counts.ts'
import { expiredToken } from './expired-token.ts'
import { send } from './send.ts'
import type { Answer, Operation } from './send.ts'

export interface WalkThroughParts {
  urls: SystemUrls
  /** The settings of the system: the expired token is signed with its own key. */
  environment: Environment
}

/** One request to the gateway: what came back, and who took part meanwhile. */
export interface Step {
  readonly answer: Answer
  readonly counts: Counts
}

export interface VerifiedToken {
  readonly header: Readonly<Record<string, unknown>>
  readonly payload: JWTPayload
}

export interface WalkThrough {
  readonly gateway: string
  readonly token: string
  /** By the keys that auth publishes; undefined when they do not verify it. */
  readonly verified: VerifiedToken | undefined
  readonly loggedIn: Step
  readonly wrongPassword: Step
  /** `userData` with the token. */
  readonly asked: Step
  /** `userData` with tokens that are not valid. */
  readonly expired: Step
  readonly tampered: Step
  readonly revoked: Step
}

const { username, password } = developmentAccount

export const login: Operation = {
  query:
    'mutation Login($username: String!, $password: String!) { login(username: $username, password: $password) { token expiresIn user { id } } }',
  variables: { username, password },
}

export const userData: Operation = { query: 'query GetUserData { userData { id name } }' }

/** Returns what happened in real requests to the running system. */
export async function walkThrough({ urls, environment }: WalkThroughParts): Promise<WalkThrough> {
  const step = async (operation: Operation, token?: string): Promise<Step> => {
    const before = await readCounts(urls)
    const answer = await send(urls.gateway, operation, token)
    return { answer, counts: difference(before, await readCounts(urls)) }
  }
  const loggedIn = await step(login)
  const token = tokenIn(loggedIn.answer, urls.gateway)
  return {
    gateway: urls.gateway,
    token,
    verified: await verifyAsAnyoneCan(token, urls.auth),
    loggedIn,
    wrongPassword: await step({ ...login, variables: { username, password: `not ${password}` } }),
    asked: await step(userData, token),
    expired: await step(userData, await expiredToken(token, environment)),
    tampered: await step(userData, tamperedToken(token)),
    revoked: await step(userData, await revokedToken(urls.gateway)),
  }
}

function tokenIn({ data, errors }: Answer, gateway: string): string {
  const token: unknown = data?.login?.token
  if (typeof token === 'string') return token
  throw new StartFailure(`${username} cannot log in at ${gateway}: ${errors[0]?.message}`)
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

/** How long a gateway may take to learn of a revocation, in milliseconds. */
const revocationTime = 20_000

/** Returns the token of a session that has ended, once the gateway has heard of it. */
async function revokedToken(gateway: string): Promise<string> {
  const token = tokenIn(await send(gateway, login), gateway)
  await send(gateway, { query: 'mutation Logout { logout }' }, token)
  const giveUpAt = Date.now() + revocationTime
  while (Date.now() < giveUpAt) {
    const { status } = await send(gateway, userData, token)
    if (status === 401) break
    await delay(100)
  }
  return token
}
