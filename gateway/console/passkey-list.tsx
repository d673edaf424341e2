/** The passkeys of an account: register, list, remove. */
import type { TargetedSubmitEvent } from 'preact'
import { useAccountData } from './account-data.ts'
import type { SendAs } from './account-data.ts'
import { AskFirst } from './ask-first.tsx'
import { createPasskey } from './passkeys.ts'
import { DataTable } from './data-table.tsx'
import { Moment } from './moment.tsx'
import { Problem } from './problem.tsx'

interface Passkey {
  readonly id: string
  readonly name: string
  readonly createdAt: string
  readonly lastUsedAt: string | null
}

const query = '{ passkeys { id name createdAt lastUsedAt } }'
const start = 'mutation StartPasskey { startPasskeyRegistration }'
const finish = `mutation FinishPasskey($response: String!, $name: String!) {
  finishPasskeyRegistration(response: $response, name: $name) { id }
}`
const remove = 'mutation RemovePasskey($id: ID!) { removePasskey(id: $id) }'

export function PasskeyList({ name, sendAs }: { name: string; sendAs: SendAs }) {
  const read = useAccountData<{ passkeys: readonly Passkey[] }>(sendAs, query)
  const { data, problem, act } = read

  function register(event: TargetedSubmitEvent<HTMLFormElement>): void {
    event.preventDefault()
    const form = event.currentTarget
    const passkey = String(new FormData(form).get('passkey')).trim()
    void act(async () => {
      const started = await sendAs<{ startPasskeyRegistration: string }>(start)
      const response = await createPasskey(started.startPasskeyRegistration)
      await sendAs(finish, { response, name: passkey })
      form.reset()
    })
  }

  return (
    <>
      <h3>Passkeys</h3>
      {data && (
        <DataTable
          label={`Passkeys of ${name}`}
          columns={['Name', 'Since', 'Last used', 'Remove it']}
          empty={`${name} has no passkey.`}
        >
          {data.passkeys.map(({ id, name: passkey, createdAt, lastUsedAt }) => (
            <tr key={id}>
              <td>{passkey}</td>
              <td>
                <Moment at={createdAt} />
              </td>
              <td>{lastUsedAt === null ? 'never' : <Moment at={lastUsedAt} />}</td>
              <td>
                <AskFirst
                  question={`Remove the passkey “${passkey}”? The device that has it can no longer log in with it.`}
                  yes="Remove it"
                  onYes={() => act(() => sendAs(remove, { id }))}
                >
                  Remove <span class="unseen">the passkey {passkey}</span>
                </AskFirst>
              </td>
            </tr>
          ))}
        </DataTable>
      )}
      <form class="line" onSubmit={register}>
        <label>
          Name of the passkey
          <input name="passkey" required maxLength={100} autocomplete="off" />
        </label>
        <button type="submit">Add a passkey</button>
      </form>
      <Problem>{problem}</Problem>
    </>
  )
}
