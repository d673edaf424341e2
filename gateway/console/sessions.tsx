/** The account of an identity: its sessions, what happens to them, and its ways to log in, and what it administers. */
import { sendingAs } from './account-data.ts'
import { Administration } from './administration.tsx'
import type { SendOperation } from './graph.ts'
import type { Identity } from './identities.ts'
import type { Accounts } from './log-in.ts'
import { Moment } from './moment.tsx'
import { PasskeyList } from './passkey-list.tsx'
import { hasField } from './schema-of.ts'
import type { ReadSchema } from './schema-of.ts'
import { SecondFactor } from './second-factor.tsx'
import { SessionList } from './session-list.tsx'
import type { SessionEvent } from './watch-sessions.ts'

export interface SessionsProps {
  readonly identity: Identity
  readonly accounts: Accounts
  readonly send: SendOperation
  /** The schema that the identity may read. */
  readonly schema: ReadSchema | undefined
  /** What has happened to the sessions while the page was open, the last first. */
  readonly events: readonly SessionEvent[]
}

/** The part "Sessions". */
export function Sessions({ identity, accounts, send, schema, events }: SessionsProps) {
  const { id, kind, name } = identity
  if (kind === 'nobody') return <p class="hint">Nobody has no sessions: log in first.</p>
  const hasEnded = 'ended' in identity && identity.ended !== undefined
  const sendAs = sendingAs(identity, accounts, send)
  const offers = (kind: 'Query' | 'Mutation', field: string) =>
    schema?.outcome === 'read' && hasField(schema.schema, kind, field)
  return (
    <>
      {hasEnded ? (
        <p>This session has ended. Log in again to see the others.</p>
      ) : (
        <SessionList key={`sessions ${id}`} name={name} sendAs={sendAs} version={events} />
      )}
      {events.length > 0 && (
        <>
          <h3>What has happened</h3>
          <div class="scroll events" tabIndex={0} role="region" aria-label="Events of sessions">
            <ol>
              {events.map(({ kind, at, reason, session }) => (
                <li key={`${at} ${kind} ${session.id}`}>
                  <Moment at={at} /> <b>{kind}</b>{' '}
                  {session.current ? 'this session' : 'another session'} {reason}
                </li>
              ))}
            </ol>
          </div>
        </>
      )}
      {!hasEnded && (
        <>
          {offers('Query', 'passkeys') && (
            <PasskeyList key={`passkeys ${id}`} name={name} sendAs={sendAs} />
          )}
          {offers('Query', 'authenticatorApp') && (
            <SecondFactor key={`app ${id}`} name={name} sendAs={sendAs} version={events} />
          )}
          {offers('Query', 'adminUsers') && (
            <Administration key={`administration ${id}`} sendAs={sendAs} />
          )}
        </>
      )}
    </>
  )
}
