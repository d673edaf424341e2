/** A stream of events from a subgraph, whatever carries it. */

/** Gets what comes of a stream. After `completed`, `lost` or `responded` nothing comes any more. */
export interface UpstreamListener {
  /** The subgraph has accepted the subscription: there is a stream, which may be lost. */
  opened(): void
  /** Gets an event: the bytes of a GraphQL response. */
  next(bytes: Buffer): void
  /** The subgraph has ended the stream: there are no more events. */
  completed(): void
  /** The stream could not be opened, or broke off; `why` is for the log. */
  lost(reason: UpstreamFailure, why: string): void
  /** The subgraph has responded without a stream. */
  responded(response: UpstreamResponse): void
}

/** SUBGRAPH_ERROR: it refused the gateway. */
export type UpstreamFailure =
  'SUBGRAPH_UNREACHABLE' | 'SUBGRAPH_RESPONSE_INVALID' | 'SUBGRAPH_TIMEOUT' | 'SUBGRAPH_ERROR'

/** A response that is not a stream: an error, or the only event. */
export interface UpstreamResponse {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly bytes: Buffer
}

/** An open stream. */
export interface Upstream {
  /** Ends it without another word to the listener. */
  close(): void
}

/** How streams are opened at one subgraph. */
export interface UpstreamOptions {
  /** How long the subgraph may take until it accepts a subscription, in milliseconds. */
  readonly timeout: number
  /** How long a stream may be silent before it counts as lost, in milliseconds: heartbeats end a silence. */
  readonly silence: number
  /** The largest event, in bytes. */
  readonly eventLimit: number
  readonly tls?:
    | { ca?: string | undefined; certificate?: string | undefined; key?: string | undefined }
    | undefined
}

/** Opens streams at one subgraph. */
export interface UpstreamClient {
  /**
   * Asks the subgraph for events.
   *
   * @param headers returns those of the caller and of the request, whenever the stream is opened, at first or
   * again: a signature in them is fresh. The client adds those of its protocol.
   */
  open(
    headers: () => Readonly<Record<string, string>>,
    body: string,
    listener: UpstreamListener,
  ): Upstream
  /** Ends all streams and connections. */
  close(): Promise<void>
}

/** The largest response that is not a stream, in bytes: it holds errors. */
export const responseLimit = 256 * 1024
