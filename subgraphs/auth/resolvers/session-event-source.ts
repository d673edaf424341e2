import type { SubscriptionSource } from '../../kit/event-streams.ts'
import type { CallersSession } from '../sessions/callers-session.ts'
import type { SessionEvent } from '../sessions/session-changes.ts'
import type { SessionEvents } from '../sessions/session-events.ts'
import type { Session } from '../sessions/sessions.ts'
import { sessionOutput } from './session-output.ts'
import { time } from './time.ts'

/** Returns the source of `Subscription.sessionEvents`: of the account to which the caller's session belongs. */
export function sessionEventSource(
  callersSession: CallersSession,
  sessionEvents: SessionEvents,
): SubscriptionSource {
  return async (_parent, _args, context) => {
    const own = await callersSession.require(context)
    const events = await sessionEvents.listen(own)
    try {
      // It may have ended before the events began.
      await callersSession.require(context)
    } catch (error) {
      await events.return?.()
      throw error
    }
    return outputs(events, own)
  }
}

/** Ended by `return` even while the next event is awaited, which a generator would not be. */
function outputs(
  events: AsyncIterator<SessionEvent>,
  own: Session,
): AsyncIterableIterator<unknown> {
  const iterator: AsyncIterableIterator<unknown> = {
    async next() {
      const { done, value } = await events.next()
      return done ? { done, value: undefined } : { done: false, value: eventOutput(value, own) }
    },
    async return() {
      await events.return?.()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]: () => iterator,
  }
  return iterator
}

function eventOutput({ kind, at, reason, session }: SessionEvent, own: Session) {
  return { kind, at: time(at), reason, session: sessionOutput(session, own) }
}
