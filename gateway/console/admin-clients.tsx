/** The OAuth clients, for administrators: programs that log in by themselves. */
import type { TargetedSubmitEvent } from 'preact'
import { useState } from 'preact/hooks'
import { useAccountData } from './account-data.ts'
import type { SendAs } from './account-data.ts'
import { AskFirst } from './ask-first.tsx'
import { DataTable } from './data-table.tsx'
import { Moment } from './moment.tsx'
import { Pages } from './pages.tsx'
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

interface Clients {
  readonly adminClients: {
    readonly nodes: readonly AdminClient[]
    readonly endCursor: string | null
  }
}

const query = `query Clients($after: String) {
  adminClients(after: $after) { nodes { id name scopes disabled createdAt } endCursor }
}`
const createMutation = `mutation CreateClient($name: String!, $scopes: [String!]!) {
  adminCreateClient(name: $name, scopes: $scopes) { client { id } secret }
}`
const disableMutation = 'mutation DisableClient($id: ID!) { adminDisableClient(id: $id) { id } }'

export function AdminClients({ sendAs }: { sendAs: SendAs }) {
  const [after, setAfter] = useState<string | undefined>(undefined)
  const options = { variables: { after }, version: after }
  const { data, problem, act } = useAccountData<Clients>(sendAs, query, options)
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
      {data && (
        <DataTable
          label="Clients"
          columns={['Client', 'Since', 'Scopes', 'Disable it']}
          empty="There is no client yet."
        >
          {data.adminClients.nodes.map(({ id, name, scopes, disabled, createdAt }) => (
            <tr key={id}>
              <th scope="row">
                {name}
                <small>{id}</small>
              </th>
              <td>
                <Moment at={createdAt} />
              </td>
              <td>{scopes.join(' ')}</td>
              <td>
                {disabled ? (
                  'disabled'
                ) : (
                  <AskFirst
                    question={`Disable the client “${name}”? Its tokens are revoked, and it cannot be enabled again.`}
                    yes="Disable the client"
                    onYes={() => act(() => sendAs(disableMutation, { id }))}
                  >
                    Disable <span class="unseen">the client {name}</span>
                  </AskFirst>
                )}
              </td>
            </tr>
          ))}
        </DataTable>
      )}
      {data && (
        <Pages
          of="clients"
          after={after}
          endCursor={data.adminClients.endCursor}
          onAfter={setAfter}
        />
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
