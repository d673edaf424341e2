/** The sessions of an account: where it is logged in, and how to end that. */
import { useAccountData } from './account-data.ts'
import type { SendAs } from './account-data.ts'
import { DataTable } from './data-table.tsx'
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

export function SessionList({ name, sendAs, version }: SessionListProps) {
  const read = useAccountData<{ sessions: readonly Session[] }>(sendAs, query, { version })
  const { data, problem, act } = read
  const end = (id: string) =>
    act(() => sendAs('mutation Revoke($id: ID!) { revokeSession(id: $id) }', { id }))
  return (
    <>
      {data && (
        <>
          <DataTable
            label={`Sessions of ${name}`}
            columns={['Since', 'Last used', 'Client', 'Level', 'End it']}
          >
            {data.sessions.map(({ id, createdAt, lastUsedAt, client, address, level, current }) => (
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
                    <button type="button" onClick={() => end(id)}>
                      Log out <span class="unseen">the session since {createdAt}</span>
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </DataTable>
          <p class="actions">
            <button
              type="button"
              onClick={() => act(() => sendAs('mutation Everywhere { logoutEverywhere }'))}
            >
              Log out everywhere
            </button>
          </p>
        </>
      )}
      <Problem>{problem}</Problem>
    </>
  )
}
