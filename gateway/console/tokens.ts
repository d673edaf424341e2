/** The tokens in the responses of the mutations that log in and refresh. */
import type { Exchange } from './graph.ts'
import type { Tokens } from './identities.ts'

interface Payload {
  /** Null if it is in a cookie. */
  readonly token: string | null
  readonly refreshToken: string | null
  /** In seconds. */
  readonly expiresIn: number
}

/** The fields of a payload that are read. */
export const payloadFields = 'token refreshToken expiresIn'

export type TokenMutation = 'login' | 'finishPasskeyLogin' | 'refresh'

/** Returns the tokens in a response; undefined if it has none. */
export function tokensIn(exchange: Exchange, field: TokenMutation): Tokens | undefined {
  const payload = payloadIn(exchange, field)
  if (!payload?.token) return undefined
  const { token, refreshToken, expiresIn } = payload
  return {
    accessToken: token,
    refreshToken: refreshToken ?? undefined,
    expiresAt: timeIn(expiresIn),
  }
}

/**
 * Returns when the access token expires that a response has written into a cookie, in milliseconds since the epoch;
 * undefined if it has written none.
 */
export function expiryIn(exchange: Exchange, field: TokenMutation): number | undefined {
  const payload = payloadIn(exchange, field)
  return payload && timeIn(payload.expiresIn)
}

/** Returns why a response has no tokens. */
export function whyNot({ status, result }: Exchange): string {
  return result.errors?.[0]?.message ?? `no tokens in the response (HTTP ${status})`
}

function payloadIn({ result }: Exchange, field: TokenMutation): Payload | undefined {
  const data = result.data as Readonly<Record<string, Payload | null>> | null | undefined
  return data?.[field] ?? undefined
}

function timeIn(seconds: number): number {
  return Date.now() + seconds * 1_000
}
