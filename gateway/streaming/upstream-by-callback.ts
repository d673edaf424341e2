/** Events of a subgraph by HTTP callbacks: the gateway asks by POST, and the subgraph posts each event to it. */
import { Pool } from 'undici'
import { jsonMembers } from '../values/json-members.ts'
import { readBody } from '../values/read-body.ts'
import type { CallbackPlace, CallbackReceiver, Callbacks } from './callbacks.ts'
import { responseLimit } from './upstream.ts'
import type {
  Upstream,
  UpstreamClient,
  UpstreamFailure,
  UpstreamListener,
  UpstreamOptions,
  UpstreamResponse,
} from './upstream.ts'

export interface UpstreamByCallbackOptions extends UpstreamOptions {
  readonly callbacks: Callbacks
  /** The most connections on which it is asked for events. */
  readonly connections: number
}

/** Sends a request to the subgraph. */
type Post = (body: string, signal: AbortSignal) => Promise<UpstreamResponse>

/** Returns the client of one subgraph. */
export function upstreamByCallback(
  url: string,
  options: UpstreamByCallbackOptions,
): UpstreamClient {
  const { origin, pathname, search } = new URL(url)
  const { timeout, tls, connections } = options
  const pool = new Pool(origin, {
    connections,
    headersTimeout: timeout,
    bodyTimeout: timeout,
    ...(tls ? { connect: { ca: tls.ca, cert: tls.certificate, key: tls.key } } : {}),
  })
  const ofProtocol = {
    'content-type': 'application/json',
    accept: 'application/json;callbackSpec=1.0',
  }

  return {
    open(headers, body, listener) {
      const post: Post = async (body, signal) => {
        const response = await pool.request({
          method: 'POST',
          path: pathname + search,
          headers: { ...headers(), ...ofProtocol },
          body,
          signal,
        })
        const text = await readBody(response.body, responseLimit, (size) => new TooLarge(size))
        return {
          status: response.statusCode,
          retryAfter: response.headers['retry-after']?.toString(),
          bytes: Buffer.from(text),
        }
      }
      return new CallbackStream(post, body, listener, options)
    },
    close: () => pool.destroy(),
  }
}

class TooLarge extends Error {}

class CallbackStream implements Upstream, CallbackReceiver {
  readonly eventLimit: number
  readonly #listener: UpstreamListener
  readonly #silence: number
  readonly #place: CallbackPlace
  readonly #request = new AbortController()
  #timer: NodeJS.Timeout
  #isAccepted = false
  #isOver = false

  constructor(
    post: Post,
    body: string,
    listener: UpstreamListener,
    { callbacks, timeout, silence, eventLimit }: UpstreamByCallbackOptions,
  ) {
    this.#listener = listener
    this.#silence = silence
    this.eventLimit = eventLimit
    this.#place = callbacks.add(this)
    this.#timer = setTimeout(
      () => this.#lose('SUBGRAPH_TIMEOUT', `no response within ${timeout} ms`),
      timeout,
    ).unref()
    void this.#ask(post, this.#withPlace(body))
  }

  close(): void {
    this.#end(() => {})
  }

  checked(): void {
    if (this.#isAccepted) this.#timer.refresh()
  }

  next(bytes: Buffer): void {
    this.#accepted()
    this.#timer.refresh()
    this.#listener.next(bytes)
  }

  ended(errors: Buffer | undefined): void {
    this.#accepted()
    this.#end(() => {
      if (errors) this.#listener.next(Buffer.concat([beforeErrors, errors, afterErrors]))
      this.#listener.completed()
    })
  }

  tooLarge(): void {
    this.#lose('SUBGRAPH_RESPONSE_INVALID', 'an event larger than the limit')
  }

  /** The body is an object of the gateway's own, without extensions. */
  #withPlace(body: string): string {
    const { id, url, verifier } = this.#place
    const subscription = {
      callbackUrl: url,
      subscriptionId: id,
      verifier,
      heartbeatIntervalMs: Math.floor(this.#silence / 3),
    }
    return `${body.slice(0, body.lastIndexOf('}'))},"extensions":${JSON.stringify({ subscription })}}`
  }

  async #ask(post: Post, body: string): Promise<void> {
    const { signal } = this.#request
    try {
      // A connection may be closed just as it is used.
      const again = (cause: NodeJS.ErrnoException) => {
        if (signal.aborted || !isConnectionFailure(cause)) throw cause
        return post(body, signal)
      }
      this.#responded(await post(body, signal).catch(again))
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException
      if (cause instanceof TooLarge) this.#lose('SUBGRAPH_RESPONSE_INVALID', 'not an acceptance')
      else this.#lose('SUBGRAPH_UNREACHABLE', code ? `${code}: ${message}` : message)
    }
  }

  #responded(response: UpstreamResponse): void {
    if (isAcceptance(response)) this.#accepted()
    else this.#end(() => this.#listener.responded(response))
  }

  /** An event that comes before the response shows it, too. */
  #accepted(): void {
    if (this.#isAccepted || this.#isOver) return
    this.#isAccepted = true
    clearTimeout(this.#timer)
    this.#timer = setTimeout(
      () => this.#lose('SUBGRAPH_TIMEOUT', `no event and no check within ${this.#silence} ms`),
      this.#silence,
    ).unref()
    this.#listener.opened()
  }

  #lose(reason: UpstreamFailure, why: string): void {
    this.#end(() => this.#listener.lost(reason, why))
  }

  #end(report: () => void): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#place.remove()
    this.#request.abort()
    report()
  }
}

/** Whether the response says that events will come: `data: null` without errors. */
function isAcceptance({ status, bytes }: UpstreamResponse): boolean {
  if (status < 200 || status >= 300) return false
  const response = jsonMembers(bytes, ['data', 'errors'])
  return response?.data?.toString() === 'null' && response.errors === undefined
}

function isConnectionFailure({ code }: NodeJS.ErrnoException): boolean {
  return ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(code ?? '')
}

const beforeErrors = Buffer.from('{"errors":')
const afterErrors = Buffer.from('}')
