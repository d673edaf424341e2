/** The OAuth clients, for administrators: programs that log in by themselves. */
import type { TargetedSubmitEvent } from 'preact'
import { useState } from 'preact/hooks'
import { useAccountData } from './account-data.ts'
import type { SendAs } from './account-data.ts'
import { DataTable } from './data-table.tsx'
import { Problem } from './problem.tsx'

interface AdminClient {
  readonly id: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly disabled: boolean
  readonly createdAt: string
}

interface Created {
  readonly adminCreateClient: { readonly client: { readonly id: string }; readonly secret: string }
}

const query = '{ adminClients { id name scopes disabled createdAt } }'
const createMutation = `mutation CreateClient($name: String!, $scopes: [String!]!) {
  adminCreateClient(name: $name, scopes: $scopes) { client { id } secret }
}`
const disableMutation = 'mutation DisableClient($id: ID!) { adminDisableClient(id: $id) { id } }'

export function AdminClients({ sendAs }: { sendAs: SendAs }) {
  const read = useAccountData<{ adminClients: readonly AdminClient[] }>(sendAs, query)
  const { data, problem, act } = read
  const [created, setCreated] = useState<Created['adminCreateClient'] | undefined>(undefined)

  function create(event: TargetedSubmitEvent<HTMLFormElement>): void {
    event.preventDefault()
    const form = event.currentTarget
    const fields = new FormData(form)
    const name = String(fields.get('client')).trim()
    const scopes = String(fields.get('scopes')).split(/\s+/).filter(Boolean)
    setCreated(undefined)
    void act(async () => {
      const { adminCreateClient } = await sendAs<Created>(createMutation, { name, scopes })
      setCreated(adminCreateClient)
      form.reset()
    })
  }

  return (
    <>
      <h3>Clients</h3>
      {data && data.adminClients.length > 0 && (
        <DataTable label="Clients" columns={['Client', 'Since', 'Scopes', 'Disable it']}>
          {data.adminClients.map(({ id, name, scopes, disabled, createdAt }) => (
            <tr key={id}>
              <th scope="row">
                {name}
                <small>{id}</small>
              </th>
              <td>{createdAt}</td>
              <td>{scopes.join(' ')}</td>
              <td>
                {disabled ? (
                  'disabled'
                ) : (
                  <button type="button" onClick={() => act(() => sendAs(disableMutation, { id }))}>
                    Disable <span class="unseen">the client {name}</span>
                  </button>
                )}
              </td>
            </tr>
          ))}
        </DataTable>
      )}
      <form class="line" onSubmit={create}>
        <label>
          Name of the client
          <input name="client" required autocomplete="off" />
        </label>
        <label>
          Its scopes, separated by spaces
          <input name="scopes" autocomplete="off" spellcheck={false} />
        </label>
        <button type="submit">Create a client</button>
      </form>
      <p role="status">
        {created && (
          <>
            The secret of <code>{created.client.id}</code>, which is not shown again:{' '}
            <code>{created.secret}</code>
          </>
        )}
      </p>
      <Problem>{problem}</Problem>
    </>
  )
}
