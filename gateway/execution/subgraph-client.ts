import { Pool } from 'undici'
import { GatewayError } from '../errors.ts'

export interface SubgraphClientOptions {
  /** The longest a call may take until its last byte, in milliseconds. */
  timeout: number
  /** How many connections are kept to one subgraph at most. */
  connections: number
}

/** A subgraph's answer, parsed but not trusted. */
export interface SubgraphResponse {
  readonly status: number
  readonly body: Record<string, unknown>
}

export interface SubgraphClient {
  /**
   * Posts a GraphQL request. A failure is a GatewayError: SUBGRAPH_UNREACHABLE, SUBGRAPH_TIMEOUT or
   * SUBGRAPH_RESPONSE_INVALID.
   */
  post(headers: Readonly<Record<string, string>>, body: string): Promise<SubgraphResponse>
  close(): Promise<void>
}

/** Returns the client of one subgraph, with a pool of kept-alive connections of its own. */
export function subgraphClient(url: string, options: SubgraphClientOptions): SubgraphClient {
  const { origin, pathname, search } = new URL(url)
  const pool = new Pool(origin, { connections: options.connections })

  return {
    async post(headers, body) {
      const deadline = new AbortController()
      const timer = setTimeout(() => deadline.abort(), options.timeout)
      try {
        const response = await pool.request({
          method: 'POST',
          path: pathname + search,
          headers,
          body,
          signal: deadline.signal,
        })
        const text = await response.body.text()
        return { status: response.statusCode, body: parseBody(text, response.statusCode) }
      } catch (cause) {
        if (cause instanceof GatewayError) throw cause
        const row = deadline.signal.aborted ? 'SUBGRAPH_TIMEOUT' : 'SUBGRAPH_UNREACHABLE'
        throw new GatewayError(row, { cause })
      } finally {
        clearTimeout(timer)
      }
    },
    close: () => pool.destroy(),
  }
}

function parseBody(text: string, status: number): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
      return body as Record<string, unknown>
    }
  } catch {
    // Falls through: a body that is no JSON is refused like one of the wrong shape.
  }
  const cause = new Error(`HTTP status ${status}, a body that is no GraphQL response`)
  throw new GatewayError('SUBGRAPH_RESPONSE_INVALID', { cause })
}
