/** The request that asks an issuer about a token (RFC 7662 section 2). */
import type { Dispatcher } from 'undici'
import { isObject } from '../values/json.ts'
import { readBody } from '../values/read-body.ts'
import type { ClaimsRecord } from './claim-path.ts'
import { parseJson } from './parse-json.ts'

export interface IntrospectionRequestOptions {
  /** The introspection endpoint. */
  endpoint: string
  /** The gateway's own credentials there. */
  clientId: string
  clientSecret: string
  /** The longest an introspection may take, in milliseconds. */
  timeout: number
}

export type Introspection =
  | { readonly outcome: 'active'; readonly claims: ClaimsRecord }
  | { readonly outcome: 'inactive'; readonly cause: Error }
  /** The token may be active: the endpoint did not say. */
  | { readonly outcome: 'unavailable'; readonly cause: Error }

const largestResponse = 64 * 1024

/** The errors of a token that the endpoint cannot read (RFC 6749 section 5.2, RFC 6750 section 3.1). */
const errorsOfTheToken = ['invalid_request', 'invalid_token', 'unsupported_token_type']

/** Returns the response of the endpoint about the token. It never rejects. */
export async function requestIntrospection(
  token: string,
  { endpoint, clientId, clientSecret, timeout }: IntrospectionRequestOptions,
  dispatcher: Dispatcher,
): Promise<Introspection> {
  const { origin, pathname, search } = new URL(endpoint)
  try {
    const { statusCode, body } = await dispatcher.request({
      origin,
      path: pathname + search,
      method: 'POST',
      headers: {
        authorization: basic(clientId, clientSecret),
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
      },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
      signal: AbortSignal.timeout(timeout),
    })
    return readResponse(statusCode, parseObject(await readBody(body, largestResponse, tooLarge)))
  } catch (cause) {
    return unavailable(failureText(cause, timeout))
  }
}

/** Both parts are form-encoded before they are put together (RFC 6749 section 2.3.1). */
function basic(id: string, secret: string): string {
  const [user, password] = [id, secret].map((part) =>
    new URLSearchParams({ '': part }).toString().slice(1),
  )
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

function readResponse(status: number, body: ClaimsRecord): Introspection {
  const { active, error, ...claims } = body
  if (status === 200 && active === true) return { outcome: 'active', claims }
  if (status === 200 && active === false) return inactive('the issuer says that it is not active')
  const code = typeof error === 'string' ? error : ''
  if (status === 400 && errorsOfTheToken.includes(code)) return inactive(`the issuer says ${code}`)
  return unavailable(
    status === 200
      ? 'the response does not say whether the token is active'
      : `the endpoint responds with ${[status, code.slice(0, 40)].join(' ').trim()}`,
  )
}

const tooLarge = (size: string) => new Error(`a body of ${size}`)

function inactive(why: string): Introspection {
  return { outcome: 'inactive', cause: new Error(why) }
}

function unavailable(why: string): Introspection {
  return { outcome: 'unavailable', cause: new Error(why) }
}

function parseObject(text: string): ClaimsRecord {
  try {
    const value = parseJson(text)
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

function failureText(cause: unknown, timeout: number): string {
  const { name, code, message } = cause as NodeJS.ErrnoException
  return name === 'TimeoutError' ? `no response within ${timeout} ms` : (code ?? message)
}
