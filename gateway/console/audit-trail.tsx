/** The audit trail, for administrators: what has happened to accounts, the last first. */
import type { TargetedSubmitEvent } from 'preact'
import { useState } from 'preact/hooks'
import { useAccountData } from './account-data.ts'
import type { SendAs } from './account-data.ts'
import { DataTable } from './data-table.tsx'
import { Moment } from './moment.tsx'
import { Pages } from './pages.tsx'
import { Problem } from './problem.tsx'

interface AuditEntry {
  readonly id: string
  readonly at: string
  readonly event: string
  readonly userId: string | null
  readonly actorId: string | null
  readonly address: string | null
}

interface Audit {
  readonly adminAudit: { readonly nodes: readonly AuditEntry[]; readonly endCursor: string | null }
}

/** Which entries are shown. */
type AuditPage = {
  readonly event?: string | undefined
  readonly userId?: string | undefined
  readonly after?: string | undefined
}

const query = `query Audit($event: String, $userId: ID, $after: String) {
  adminAudit(event: $event, userId: $userId, after: $after) {
    nodes { id at event userId actorId address }
    endCursor
  }
}`

export function AuditTrail({ sendAs }: { sendAs: SendAs }) {
  const [page, setPage] = useState<AuditPage>({})
  const options = { variables: page, version: page }
  const { data, problem } = useAccountData<Audit>(sendAs, query, options)

  function find(event: TargetedSubmitEvent<HTMLFormElement>): void {
    event.preventDefault()
    const fields = new FormData(event.currentTarget)
    const given = (name: string) => String(fields.get(name)).trim() || undefined
    // Another object also when the words are the same: the trail is read again.
    setPage({ event: given('event'), userId: given('userId') })
  }

  return (
    <>
      <h3>Audit trail</h3>
      <form class="line" onSubmit={find}>
        <label>
          Event, as in “login failed”
          <input name="event" type="search" autocomplete="off" />
        </label>
        <label>
          Id of a user or client
          <input name="userId" type="search" autocomplete="off" spellcheck={false} />
        </label>
        <button type="submit">Read the trail</button>
      </form>
      <Problem>{problem}</Problem>
      {data && (
        <>
          <DataTable
            label="Audit trail"
            columns={['At', 'Event', 'User', 'Administrator', 'Address']}
            empty="The trail has no such entry."
            isTall
          >
            {data.adminAudit.nodes.map(({ id, at, event, userId, actorId, address }) => (
              <tr key={id}>
                <td>
                  <Moment at={at} />
                </td>
                <td>{event}</td>
                <td>{userId}</td>
                <td>{actorId}</td>
                <td>{address}</td>
              </tr>
            ))}
          </DataTable>
          <Pages
            of="audit trail"
            after={page.after}
            endCursor={data.adminAudit.endCursor}
            onAfter={(after) => setPage({ ...page, after })}
          />
        </>
      )}
    </>
  )
}
