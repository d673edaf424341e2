/** Introspects the schema of a running subgraph, as the federation specification defines. */

import { productCommand } from '../../subgraphs/kit/process/product-command.ts'
import { decodeUtf8 } from './utf8.ts'

/** How long a subgraph may take to respond, in milliseconds. */
const timeLimit = 10_000

/** In bytes; larger than any schema written by hand. */
const sizeLimit = 32 * 1024 * 1024

export type Introspection =
  | { readonly outcome: 'introspected'; readonly sdl: string }
  | { readonly outcome: 'failed'; readonly sentence: string }

/**
 * Returns the SDL of the subgraph at a URL, or one sentence that says why it could not be fetched.
 *
 * @param headers from supergraph.yaml
 * @param ofGateway the signed claims header, if there is a secret to sign it with
 */
export async function introspectSubgraph(
  url: string,
  headers: Readonly<Record<string, string>>,
  ofGateway?: Readonly<Record<string, string>>,
): Promise<Introspection> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json, application/json',
        'content-type': 'application/json',
        ...ofGateway,
        ...headers,
      },
      body: JSON.stringify({ query: 'query { _service { sdl } }' }),
      redirect: 'error',
      signal: AbortSignal.timeout(timeLimit),
    })
    const isSigned = ofGateway !== undefined
    return readAnswer({ url, status: response.status, isSigned }, await readBytes(response))
  } catch (cause) {
    return failed(url, reasonOf(cause))
  }
}

interface Asked {
  url: string
  status: number
  /** Whether the request was signed as the gateway signs its own. */
  isSigned: boolean
}

function readAnswer({ url, status, isSigned }: Asked, bytes: Uint8Array): Introspection {
  if (status === 401 || status === 403) {
    const way = isSigned
      ? `although the request was signed with GATEWAY_SECRET: give it the CLAIMS_KEY that \`${productCommand('keys', 'claims-key NAME')}\` prints`
      : 'to every client but its gateway: set GATEWAY_SECRET, and the request is signed'
    return failed(
      url,
      `it responds with ${status} ${way}, or give its schema as a \`file\`, or the headers that it requires in \`introspection_headers\``,
    )
  }
  const decoded = decodeUtf8(bytes)
  if ('invalidLine' in decoded) return failed(url, 'its response is not UTF-8')
  const { text } = decoded
  const body = parseJson(text) as IntrospectionBody | undefined
  const sdl = body?.data?._service?.sdl
  if (typeof sdl === 'string' && sdl.trim() !== '') return { outcome: 'introspected', sdl }
  const [error] = Array.isArray(body?.errors) ? body.errors : []
  if (typeof error?.message === 'string') return failed(url, `it says: ${error.message}`)
  if (status !== 200) return failed(url, `it responds with ${status}`)
  return failed(url, 'its response has no `_service { sdl }`: is it a federation subgraph?')
}

interface IntrospectionBody {
  data?: { _service?: { sdl?: unknown } | null } | null
  errors?: { message?: unknown }[]
}

async function readBytes(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > sizeLimit) throw new Error(`its response is larger than ${sizeLimit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function failed(url: string, reason: string): Introspection {
  return { outcome: 'failed', sentence: `the schema cannot be fetched from ${url}: ${reason}` }
}

function reasonOf(cause: unknown): string {
  const error = cause as Error & { cause?: NodeJS.ErrnoException }
  if (error.name === 'TimeoutError') return `no response within ${timeLimit / 1000} s`
  const reasons: Record<string, string> = {
    ECONNREFUSED: 'nothing listens there: start the subgraph first',
    ENOTFOUND: 'the host is not known',
    ECONNRESET: 'it closed the connection',
    UND_ERR_SOCKET: 'it closed the connection',
  }
  return reasons[error.cause?.code ?? ''] ?? error.cause?.message ?? error.message
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
