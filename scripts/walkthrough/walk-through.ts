/** Runs the requests from login to userData, and tries invalid tokens; reports what happened. */
import { setTimeout as delay } from 'node:timers/promises'
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import type { JSONWebKeySet, JWTPayload } from 'jose'
import { developmentAccount } from '../../subgraphs/auth/accounts/development-account.ts'
import type { Environment } from '../../subgraphs/kit/process/settings.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import type { SystemUrls } from '../start/start-system.ts'
import { expiredToken } from './aged-token.ts'
import { difference, readCounts } from './counts.ts'
import type { Counts } from './counts.ts'
import { send } from './send.ts'
import type { GraphqlResponse, Operation } from './send.ts'

export interface WalkThroughParts {
  urls: SystemUrls
  /** The settings of the system: the expired token is signed with its own key. */
  environment: Environment
}

/** One request to the gateway: its response, and the counts of all processes. */
export interface Step {
  readonly response: GraphqlResponse
  readonly counts: Counts
}

export interface VerifiedToken {
  readonly header: Readonly<Record<string, unknown>>
  readonly payload: JWTPayload
}

export interface WalkThrough {
  readonly gateway: string
  readonly token: string
  /** Verified with the keys that auth publishes; undefined if that fails. */
  readonly verified: VerifiedToken | undefined
  readonly loggedIn: Step
  readonly wrongPassword: Step
  /** `userData` with the token. */
  readonly queried: Step
  /** `userData` with invalid tokens. */
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

/** Returns the results of real requests to the running system. */
export async function walkThrough({ urls, environment }: WalkThroughParts): Promise<WalkThrough> {
  const step = async (operation: Operation, token?: string): Promise<Step> => {
    const before = await readCounts(urls)
    const response = await send(urls.gateway, operation, token)
    return { response, counts: difference(before, await readCounts(urls)) }
  }
  const loggedIn = await step(login)
  const token = tokenIn(loggedIn.response, urls.gateway)
  return {
    gateway: urls.gateway,
    token,
    verified: await verifyAsAnyoneCan(token, urls.auth),
    loggedIn,
    wrongPassword: await step({ ...login, variables: { username, password: `not ${password}` } }),
    queried: await step(userData, token),
    expired: await step(userData, await expiredToken(token, environment)),
    tampered: await step(userData, tamperedToken(token)),
    revoked: await step(userData, await revokedToken(urls.gateway)),
  }
}

function tokenIn({ data, errors }: GraphqlResponse, gateway: string): string {
  const token: unknown = data?.login?.token
  if (typeof token === 'string') return token
  throw new StartFailure(`${username} cannot log in at ${gateway}: ${errors[0]?.message}`)
}

/** Verifies with the public keys alone, as any service could. */
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

/** Returns the token with another subject, but the same header and signature. */
function tamperedToken(token: string): string {
  const [header, , signature] = token.split('.')
  const claims = JSON.stringify({ ...decodeJwt(token), sub: '2' })
  return `${header}.${Buffer.from(claims).toString('base64url')}.${signature}`
}

/** How long a revocation may take to reach a gateway, in milliseconds. */
const revocationTime = 20_000

/** Returns the token of an ended session, once the gateway refuses it. */
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
