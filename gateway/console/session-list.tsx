/** The sessions of an account: where it is logged in, and how to end that. */
import { useAccountData } from './account-data.ts'
import type { SendAs } from './account-data.ts'
import { AskFirst } from './ask-first.tsx'
import { DataTable } from './data-table.tsx'
import { Moment } from './moment.tsx'
import { Problem } from './problem.tsx'

interface Session {
  readonly id: string
  readonly createdAt: string
  readonly lastUsedAt: string
  readonly client: string | null
  readonly address: string | null
  readonly level: string
  readonly current: boolean
}

export interface SessionListProps {
  readonly name: string
  readonly sendAs: SendAs
  /** Another value after something has happened to the sessions. */
  readonly version: unknown
}

const query = '{ sessions { id createdAt lastUsedAt client address level current } }'

/** How the graph names what a login was proven by (NIST SP 800-63B-4). */
const levels: Readonly<Record<string, string>> = { aal1: 'one factor', aal2: 'two factors' }

export function SessionList({ name, sendAs, version }: SessionListProps) {
  const read = useAccountData<{ sessions: readonly Session[] }>(sendAs, query, { version })
  const { data, problem, act } = read
  const end = (id: string) =>
    act(() => sendAs('mutation Revoke($id: ID!) { revokeSession(id: $id) }', { id }))
  return (
    <>
      <h3>Where {name} is logged in</h3>
      {data && (
        <>
          <DataTable label={`Sessions of ${name}`} columns={['Client', 'Logged in', 'End it']}>
            {data.sessions.map(({ id, createdAt, lastUsedAt, client, address, level, current }) => (
              <tr key={id}>
                <th scope="row">
                  {address}
                  <small>{client ?? 'unknown'}</small>
                </th>
                <td>
                  <Moment at={createdAt} />, with {levels[level]} ({level})
                  <small>
                    last used <Moment at={lastUsedAt} />
                  </small>
                </td>
                <td>
                  {current ? (
                    'this one'
                  ) : (
                    <button type="button" onClick={() => end(id)}>
                      Log out{' '}
                      <span class="unseen">
                        the session since <Moment at={createdAt} />
                      </span>
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </DataTable>
          <p class="actions">
            <AskFirst
              question={`End all sessions of ${name}, this one too?`}
              yes="Log out everywhere"
              onYes={() => act(() => sendAs('mutation Everywhere { logoutEverywhere }'))}
            >
              Log out everywhere
            </AskFirst>
          </p>
        </>
      )}
      <Problem>{problem}</Problem>
    </>
  )
}
