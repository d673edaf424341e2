/** All accounts, for administrators: roles, logout, and accounts that are disabled. */
import type { TargetedSubmitEvent } from 'preact'
import { useState } from 'preact/hooks'
import { useAccountData } from './account-data.ts'
import type { SendAs } from './account-data.ts'
import { AskFirst } from './ask-first.tsx'
import { DataTable } from './data-table.tsx'
import { Moment } from './moment.tsx'
import { Pages } from './pages.tsx'
import { Problem } from './problem.tsx'

interface AdminUser {
  readonly username: string
  readonly name: string
  readonly email: string | null
  readonly roles: readonly string[]
  readonly disabled: boolean
  readonly createdAt: string
  readonly user: { readonly id: string }
}

interface Users {
  readonly adminUsers: { readonly nodes: readonly AdminUser[]; readonly endCursor: string | null }
}

const query = `query Users($search: String, $after: String) {
  adminUsers(search: $search, after: $after) {
    nodes { username name email roles disabled createdAt user { id } }
    endCursor
  }
}`
const setRoles = `mutation SetRoles($id: ID!, $roles: [String!]!) {
  adminSetRoles(id: $id, roles: $roles) { username }
}`
const mutationOf = (field: string) =>
  `mutation Administer($id: ID!) { ${field}(id: $id) { username } }`

export function AdminUsers({ sendAs }: { sendAs: SendAs }) {
  const [page, setPage] = useState<{ search?: string; after?: string | undefined }>({})
  const options = { variables: page, version: page }
  const { data, problem, act } = useAccountData<Users>(sendAs, query, options)

  function find(event: TargetedSubmitEvent<HTMLFormElement>): void {
    event.preventDefault()
    const search = String(new FormData(event.currentTarget).get('search')).trim()
    setPage(search ? { search } : {})
  }

  return (
    <>
      <h3>Users</h3>
      <form class="line" onSubmit={find}>
        <label>
          Part of a username, a name or an e-mail address
          <input name="search" type="search" autocomplete="off" />
        </label>
        <button type="submit">Find users</button>
      </form>
      <Problem>{problem}</Problem>
      {data && (
        <>
          <DataTable
            label="Users"
            columns={['User', 'Roles', 'Actions']}
            empty="No account has this in its username, name or e-mail address."
          >
            {data.adminUsers.nodes.map((each) => (
              <UserRow key={each.user.id} {...each} sendAs={sendAs} act={act} />
            ))}
          </DataTable>
          <Pages
            of="users"
            after={page.after}
            endCursor={data.adminUsers.endCursor}
            onAfter={(after) => setPage({ ...page, after })}
          />
        </>
      )}
    </>
  )
}

interface UserRowProps extends AdminUser {
  readonly sendAs: SendAs
  readonly act: (action: () => Promise<unknown>) => Promise<void>
}

function UserRow({ sendAs, act, user: { id }, ...account }: UserRowProps) {
  const { username, name, email, roles, disabled, createdAt } = account
  const perform = (field: string) => void act(() => sendAs(mutationOf(field), { id }))

  function changeRoles(event: TargetedSubmitEvent<HTMLFormElement>): void {
    event.preventDefault()
    const text = String(new FormData(event.currentTarget).get('roles'))
    void act(() => sendAs(setRoles, { id, roles: text.split(/[\s,]+/).filter(Boolean) }))
  }

  return (
    <tr>
      <th scope="row">
        {username}
        {disabled && ' (disabled)'}
        <small>
          {name} {email}
        </small>
        <small>
          since <Moment at={createdAt} />
        </small>
        <small>id {id}</small>
      </th>
      <td>
        <form class="line" onSubmit={changeRoles}>
          <input
            key={roles.join(' ')}
            name="roles"
            aria-label={`Roles of ${username}`}
            defaultValue={roles.join(' ')}
            autocomplete="off"
          />
          <button type="submit">
            Set <span class="unseen">the roles of {username}</span>
          </button>
        </form>
      </td>
      <td>
        <p class="actions">
          {disabled ? (
            <button type="button" onClick={() => perform('adminEnableUser')}>
              Enable <span class="unseen">{username}</span>
            </button>
          ) : (
            <AskFirst
              question={`Disable ${username}? Every session ends, and no login is possible until the account is enabled.`}
              yes="Disable the account"
              onYes={() => perform('adminDisableUser')}
            >
              Disable <span class="unseen">{username}</span>
            </AskFirst>
          )}
          <AskFirst
            question={`End all sessions of ${username}?`}
            yes="End the sessions"
            onYes={() => perform('adminForceLogout')}
          >
            End the sessions <span class="unseen">of {username}</span>
          </AskFirst>
        </p>
      </td>
    </tr>
  )
}
