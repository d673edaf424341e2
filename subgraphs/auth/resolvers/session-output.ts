import type { Session } from '../sessions/sessions.ts'
import { time } from './time.ts'

/** Returns a session as the schema has it, for the caller whose own session is `own`. */
export function sessionOutput(session: Session, own: Pick<Session, 'id'>) {
  return {
    id: session.id,
    createdAt: time(session.createdAt),
    lastUsedAt: time(session.lastUsedAt),
    expiresAt: time(session.expiresAt),
    client: session.client.agent,
    address: session.client.address,
    level: session.strength.level,
    current: session.id === own.id,
    user: { id: session.accountId },
  }
}
