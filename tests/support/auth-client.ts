/** What a client of the auth subgraph does, spelled once for the tests. */
import { decodeJwt } from 'jose'
import { hashParameters } from '../../subgraphs/auth/passwords/hashing.ts'
import type { HashParameters } from '../../subgraphs/auth/passwords/hashing.ts'
import type { CallerClient } from '../../subgraphs/kit/client-headers.ts'
import { claimsKeyOf } from './ask-subgraph.ts'
import type { Answer, Ask } from './ask-subgraph.ts'

export const alice = { username: 'alice', password: 'secret' }

const tokens = '{ token expiresIn refreshToken deviceToken user { id } }'
const loginMutation = `mutation ($username: String!, $password: String!, $deviceToken: String, $code: String) {
  login(username: $username, password: $password, deviceToken: $deviceToken, code: $code) ${tokens}
}`
const refreshMutation = `mutation ($refreshToken: String!) {
  refresh(refreshToken: $refreshToken) ${tokens}
}`

/** For tests that are not about hashing. */
export const cheapHashes: HashParameters = {
  ...hashParameters,
  memoryCost: 256,
  timeCost: 1,
}

/** The environment of an auth process of its own. */
export function authEnvironment(databaseUrl: string): Record<string, string> {
  return {
    AUTH_PORT: '0',
    DATABASE_URL: databaseUrl,
    CLAIMS_KEY: claimsKeyOf('auth'),
    KEY_ENCRYPTION_SECRET: 'a key encryption secret of the tests',
  }
}

/** The claims that the gateway would forward. */
export interface CallerClaims {
  readonly [claim: string]: unknown
  readonly sub: string
  readonly sid: string
  readonly status: { status_list: { idx: number; uri: string } }
}

export function claimsOf(accessToken: string): CallerClaims {
  return decodeJwt(accessToken) as unknown as CallerClaims
}

export function login(
  ask: Ask,
  credentials: Record<string, string> = alice,
  client?: CallerClient,
): Promise<Answer> {
  return ask(null, loginMutation, credentials, client)
}

/** Signs an account up, and returns its credentials. */
export async function signedUp(ask: Ask, username: string, password: string) {
  const mutation = `mutation ($username: String!, $password: String!) {
    signUp(username: $username, password: $password) { problems { code } }
  }`
  await ask(null, mutation, { username, password })
  return { username, password }
}

/** Logs in, and returns the tokens with the claims of the access token. */
export async function loggedIn(
  ask: Ask,
  credentials: Record<string, string> = alice,
  client?: CallerClient,
) {
  const { data, errors } = await login(ask, credentials, client)
  if (errors) throw new Error(`login failed: ${JSON.stringify(errors)}`)
  const { token, refreshToken } = data.login as { token: string; refreshToken: string }
  return { token, refreshToken, claims: claimsOf(token) }
}

export function refresh(ask: Ask, refreshToken: string, client?: CallerClient): Promise<Answer> {
  return ask(null, refreshMutation, { refreshToken }, client)
}
