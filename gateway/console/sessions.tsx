/** The sessions of the account of an identity: who is logged in where, and how to end that. */
import { useEffect, useState } from 'preact/hooks'
import { messageOf } from './graph.ts'
import type { SendOperation } from './graph.ts'
import type { Identity } from './identities.ts'
import type { Accounts } from './log-in.ts'
import type { SessionEvent } from './watch-sessions.ts'

interface Session {
  readonly id: string
  readonly createdAt: string
  readonly lastUsedAt: string
  readonly client: string | null
  readonly address: string | null
  readonly level: string
  readonly current: boolean
}

export interface SessionsProps {
  readonly identity: Identity
  readonly accounts: Accounts
  readonly send: SendOperation
  /** What has happened to the sessions while the page was open, the last first. */
  readonly events: readonly SessionEvent[]
}

const query = '{ sessions { id createdAt lastUsedAt client address level current } }'

/** The part "Sessions". */
export function Sessions({ identity, accounts, send, events }: SessionsProps) {
  const [sessions, setSessions] = useState<readonly Session[]>([])
  const [problem, setProblem] = useState('')

  const read = async () => {
    const credential = await accounts.credentialOf(identity)
    const { result } = await send({ query }, credential)
    const data = result.data as { sessions?: readonly Session[] | null } | null | undefined
    setSessions(data?.sessions ?? [])
    setProblem(data?.sessions ? '' : (result.errors?.[0]?.message ?? ''))
  }
  const perform = async (mutation: string, variables?: Readonly<Record<string, unknown>>) => {
    try {
      const credential = await accounts.credentialOf(identity)
      const { result } = await send({ query: mutation, variables }, credential)
      if (result.errors) return setProblem(result.errors[0]?.message ?? '')
      await read()
    } catch (cause) {
      setProblem(messageOf(cause))
    }
  }
  const hasEnded = identity.kind === 'logged in' ? identity.ended !== undefined : false
  useEffect(() => {
    setSessions([])
    setProblem('')
    if (identity.kind !== 'nobody' && !hasEnded) void read()
  }, [identity.id, hasEnded])
  useEffect(() => {
    if (events.length > 0 && !hasEnded) void read()
  }, [events])

  if (identity.kind === 'nobody') return <p class="hint">Nobody has no sessions: log in first.</p>
  return (
    <>
      {hasEnded && <p>This session has ended. Log in again to see the others.</p>}
      {sessions.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label={`Sessions of ${identity.name}`}>
          <table>
            <thead>
              <tr>
                <th scope="col">Since</th>
                <th scope="col">Last used</th>
                <th scope="col">Client</th>
                <th scope="col">Level</th>
                <th scope="col">End it</th>
              </tr>
            </thead>
            <tbody>
              {sessions.map(({ id, createdAt, lastUsedAt, client, address, level, current }) => (
                <tr key={id}>
                  <td>{createdAt}</td>
                  <td>{lastUsedAt}</td>
                  <td>
                    {client ?? 'unknown'} <small>{address}</small>
                  </td>
                  <td>{level}</td>
                  <td>
                    {current ? (
                      'this one'
                    ) : (
                      <button
                        type="button"
                        onClick={() =>
                          perform('mutation Revoke($id: ID!) { revokeSession(id: $id) }', { id })
                        }
                      >
                        Log out <span class="unseen">the session since {createdAt}</span>
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {sessions.length > 0 && (
        <p class="actions">
          <button type="button" onClick={() => perform('mutation Everywhere { logoutEverywhere }')}>
            Log out everywhere
          </button>
        </p>
      )}
      <p class="problem" role="alert">
        {problem}
      </p>
      {events.length > 0 && (
        <>
          <h3>What has happened</h3>
          <ol class="events">
            {events.map(({ kind, at, reason, session }) => (
              <li key={`${at} ${kind} ${session.id}`}>
                <time>{at}</time> <b>{kind}</b>{' '}
                {session.current ? 'this session' : 'another session'} {reason}
              </li>
            ))}
          </ol>
        </>
      )}
    </>
  )
}
