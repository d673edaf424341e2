/** The request that exchanges an API key for an access token (RFC 8693 section 2). */
import type { Agent } from 'undici'
import { readBody } from '../values/read-body.ts'
import { parseJson } from './parse-json.ts'

export interface TokenExchangeOptions {
  /** The token endpoint that exchanges API keys. */
  tokenEndpoint: string
  /** The `subject_token_type` of the API keys. */
  subjectTokenType: string
  /** The longest an exchange may take, in milliseconds. */
  timeout: number
}

export type TokenExchange =
  | {
      readonly outcome: 'granted'
      readonly accessToken: string
      /** In milliseconds. */
      readonly lifetime: number
    }
  | { readonly outcome: 'refused'; readonly cause: Error }
  /** The key may be valid: the endpoint did not say. */
  | { readonly outcome: 'unavailable'; readonly cause: Error }

/** The lifetime if the response has no `expires_in`; after the real expiry the token is refused and exchanged again. */
const unknownLifetime = 60_000
const largestResponse = 32 * 1024

const tokenExchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
/** The errors of a key that is not valid (RFC 6749 section 5.2, RFC 8693 section 2.2.2). */
const errorsOfTheKey = ['invalid_grant', 'invalid_request']

/** Returns the response of the endpoint about the key. It never rejects. */
export async function requestTokenExchange(
  key: string,
  { tokenEndpoint, subjectTokenType, timeout }: TokenExchangeOptions,
  agent: Agent,
): Promise<TokenExchange> {
  const { origin, pathname, search } = new URL(tokenEndpoint)
  try {
    const { statusCode, body } = await agent.request({
      origin,
      path: pathname + search,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: new URLSearchParams({
        grant_type: tokenExchangeGrant,
        subject_token_type: subjectTokenType,
        subject_token: key,
      }).toString(),
      signal: AbortSignal.timeout(timeout),
    })
    return readResponse(statusCode, parseObject(await readBody(body, largestResponse, tooLarge)))
  } catch (cause) {
    return unavailable(failureText(cause, timeout))
  }
}

function readResponse(status: number, body: Readonly<Record<string, unknown>>): TokenExchange {
  const { access_token: accessToken, expires_in: expiresIn, error } = body
  if (status === 200 && typeof accessToken === 'string') {
    const isLifetime = typeof expiresIn === 'number' && expiresIn > 0
    const lifetime = isLifetime ? expiresIn * 1_000 : unknownLifetime
    return { outcome: 'granted', accessToken, lifetime }
  }
  const code = typeof error === 'string' ? error : ''
  if ((status === 400 || status === 401) && errorsOfTheKey.includes(code)) {
    return { outcome: 'refused', cause: new Error(`the exchange says ${code}`) }
  }
  return unavailable(`the exchange answers ${[status, code.slice(0, 40)].join(' ').trim()}`)
}

const tooLarge = (size: string) => new Error(`a body of ${size}`)

function unavailable(why: string): TokenExchange {
  return { outcome: 'unavailable', cause: new Error(why) }
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(parseJson(text)) as Record<string, unknown>
  } catch {
    return {}
  }
}

function failureText(cause: unknown, timeout: number): string {
  const { name, code, message } = cause as NodeJS.ErrnoException
  return name === 'TimeoutError' ? `no response within ${timeout} ms` : (code ?? message)
}
