import type { ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { Caller } from '../client-request.ts'
import type { AccessLog } from '../telemetry/access-log.ts'
import type { LiveConnections } from './live-connections.ts'
import type { LiveObserver } from './live-observer.ts'
import type { QueueLimits, Refusal } from './live-operation.ts'

/** What subscriptions need. */
export interface LiveParts {
  /** Those of the process, whichever configuration serves them. */
  readonly connections: LiveConnections
  /** Returns why a caller is no longer admitted; undefined while it is. */
  readonly recheck: (caller: Caller) => Refusal | Promise<Refusal>
  /** Returns whether a caller has another access token of the login of an earlier one. */
  readonly isSameLogin: (earlier: Caller, later: Caller) => boolean
  /** The headers, in lower case, that may hold credentials. */
  readonly credentialHeaders: readonly string[]
  /** How long a stream may be silent, in milliseconds. */
  readonly heartbeat: number
  /** The most operations at a time on one WebSocket. */
  readonly operationsPerConnection: number
  /** How long a query or a mutation on a WebSocket may take, in milliseconds. */
  readonly deadline: number
  readonly queue: QueueLimits
  readonly observer: LiveObserver
  /** Called with a response that has become a stream: its request is not in progress any longer. */
  readonly onStream?: ((response: ServerResponse) => void) | undefined
  /** Called with each subscription that has ended, and what is known of its request. */
  readonly onEnded?: AccessLog['ended'] | undefined
  readonly log: Logger
}
