/** Operations to the graph, which is at the origin of the page. */
import { asCaller } from './credential.ts'
import type { Credential } from './credential.ts'
import type { GraphResult } from './graph-result.ts'
import { incrementalType, partsOf } from './incremental.ts'

/** What is sent. */
export interface Operation {
  readonly query: string
  readonly variables?: Readonly<Record<string, unknown>> | undefined
}

/** A response, and what is known of its way. */
export interface Exchange {
  /** The HTTP status; 0 if there was no response. */
  readonly status: number
  /** From the request to the last byte of the response. */
  readonly milliseconds: number
  readonly result: GraphResult
  /** Of a subscription: its results, the last first. */
  readonly events?: readonly GraphResult[]
  /** Whether there is more to come. */
  readonly isOpen?: boolean
  /** Whether the operation was only planned. */
  readonly isPlanOnly?: boolean
}

/** Sends an operation with a credential, and with what else it has to say of itself. */
export type SendOperation = (
  operation: Operation,
  credential: Credential,
  extensions?: Readonly<Record<string, unknown>>,
  /** Gets what is known of a response in parts each time when one of them has come. */
  onPart?: (exchange: Exchange) => void,
) => Promise<Exchange>

/**
 * Returns the function that sends operations. The credential of an identity alone decides: see credential.ts.
 *
 * @param url the address of the graph
 */
export function graphAt(url: URL): SendOperation {
  return async ({ query, variables }, credential, extensions, onPart) => {
    const start = performance.now()
    const since = () => performance.now() - start
    const { credentials, headers } = asCaller(credential)
    try {
      const response = await fetch(url, {
        method: 'POST',
        credentials,
        cache: 'no-store',
        redirect: 'error',
        headers: {
          'content-type': 'application/json',
          accept: `application/graphql-response+json, application/json;q=0.9${onPart ? `, ${incrementalType}` : ''}`,
          ...headers,
        },
        body: JSON.stringify({ query, variables, extensions }),
      })
      const { status, body } = response
      if (!body || !response.headers.get('content-type')?.startsWith('multipart/mixed')) {
        const result = resultFrom(await response.text())
        return { status, milliseconds: since(), result }
      }
      let result: GraphResult = {}
      for await (result of partsOf(body)) {
        onPart?.({ status, milliseconds: since(), result, isOpen: true })
      }
      return { status, milliseconds: since(), result }
    } catch (cause) {
      const message = `The graph cannot be reached: ${messageOf(cause)}`
      return { status: 0, milliseconds: since(), result: { errors: [{ message }] } }
    }
  }
}

/** Returns the response that a text has; an error that says so if it has none. */
export function resultFrom(text: string): GraphResult {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch {}
  return { errors: [{ message: 'The response is not JSON: is this the address of a gateway?' }] }
}

/** Returns the sentence of something that was thrown. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

/** Returns `extensions.code` of the first error, by which programs tell errors apart. */
export function codeOf({ errors }: GraphResult): string | undefined {
  const code = errors?.[0]?.extensions?.['code']
  return typeof code === 'string' ? code : undefined
}
