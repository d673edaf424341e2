/** Asks a running subgraph for its schema, as the federation specification lays down. */

import { decodeUtf8 } from './utf8.ts'

/** How long a subgraph may take to answer, in milliseconds. */
const timeLimit = 10_000

/** More than any schema that a person wrote, in bytes. */
const sizeLimit = 32 * 1024 * 1024

export type Introspection =
  | { readonly outcome: 'answered'; readonly sdl: string }
  | { readonly outcome: 'failed'; readonly sentence: string }

/**
 * Returns the SDL of the subgraph at that URL, or why it could not be had, in one sentence.
 *
 * @param headers what supergraph.yaml says to send
 * @param ofGateway the signed claims header, where there is a secret to sign it with
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
      ? 'although the request was signed with GATEWAY_SECRET: give it the CLAIMS_KEY that `npm run keys -- claims-key NAME` prints'
      : 'to everybody but its gateway: set GATEWAY_SECRET, and the request is signed'
    return failed(
      url,
      `it answers ${status} ${way}, or give its schema as a \`file\`, or what it asks for in \`introspection_headers\``,
    )
  }
  const decoded = decodeUtf8(bytes)
  if ('invalidLine' in decoded) return failed(url, 'its response is not UTF-8')
  const { text } = decoded
  const answer = parseJson(text) as Answer | undefined
  const sdl = answer?.data?._service?.sdl
  if (typeof sdl === 'string' && sdl.trim() !== '') return { outcome: 'answered', sdl }
  const [error] = Array.isArray(answer?.errors) ? answer.errors : []
  if (typeof error?.message === 'string') return failed(url, `it says: ${error.message}`)
  if (status !== 200) return failed(url, `it answers ${status}`)
  return failed(url, 'its answer has no `_service { sdl }`: is it a federation subgraph?')
}

interface Answer {
  data?: { _service?: { sdl?: unknown } | null } | null
  errors?: { message?: unknown }[]
}

async function readBytes(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > sizeLimit) throw new Error(`its answer is larger than ${sizeLimit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function failed(url: string, reason: string): Introspection {
  return { outcome: 'failed', sentence: `the schema cannot be had from ${url}: ${reason}` }
}

function reasonOf(cause: unknown): string {
  const error = cause as Error & { cause?: NodeJS.ErrnoException }
  if (error.name === 'TimeoutError') return `no answer within ${timeLimit / 1000} s`
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
