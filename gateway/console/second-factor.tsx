/** The authenticator app of an account: its one-time codes are the second factor of a login. */
import type { TargetedSubmitEvent } from 'preact'
import { useState } from 'preact/hooks'
import type { SendAs } from './account-data.ts'
import { messageOf } from './graph.ts'
import { Problem } from './problem.tsx'

/** How far an enrolment is. The graph does not say whether an account has an app already; enrolTotp does. */
type Enrolment =
  | { readonly step: 'none' }
  | { readonly step: 'started'; readonly secret: string; readonly uri: string }
  | { readonly step: 'confirmed'; readonly recoveryCodes: readonly string[] }
  | { readonly step: 'removed' }

interface Confirmation {
  readonly confirmed: boolean
  readonly recoveryCodes: readonly string[]
  readonly problems: readonly { readonly message: string }[]
}

const enrolMutation = 'mutation Enrol { enrolTotp { secret uri } }'
const confirmMutation = `mutation Confirm($code: String!) {
  confirmTotp(code: $code) { confirmed recoveryCodes problems { message } }
}`
const removeMutation = 'mutation Remove($code: String!) { removeTotp(code: $code) }'

export function SecondFactor({ sendAs }: { sendAs: SendAs }) {
  const [enrolment, setEnrolment] = useState<Enrolment>({ step: 'none' })
  const [problem, setProblem] = useState('')
  const perform = async (action: () => Promise<Enrolment>) => {
    setProblem('')
    try {
      setEnrolment(await action())
    } catch (cause) {
      setProblem(messageOf(cause))
    }
  }
  const enrol = () =>
    perform(async () => {
      const { enrolTotp } = await sendAs<{ enrolTotp: { secret: string; uri: string } }>(
        enrolMutation,
      )
      return { step: 'started', ...enrolTotp }
    })
  const confirm = (code: string) =>
    perform(async () => {
      const { confirmTotp } = await sendAs<{ confirmTotp: Confirmation }>(confirmMutation, { code })
      const { confirmed, recoveryCodes, problems } = confirmTotp
      if (!confirmed) throw new Error(problems[0]?.message ?? 'This code was refused')
      return { step: 'confirmed', recoveryCodes }
    })
  const remove = (code: string) =>
    perform(async () => {
      await sendAs(removeMutation, { code })
      return { step: 'removed' }
    })

  return (
    <>
      <h3>Authenticator app</h3>
      {enrolment.step === 'started' && (
        <>
          <p>
            Enter this secret into the app: <code class="secret">{enrolment.secret}</code>
          </p>
          <p>
            {/* An address of another kind does not become a link. */}
            {enrolment.uri.startsWith('otpauth:') && (
              <a href={enrolment.uri}>Open an app on this device</a>
            )}
          </p>
          <CodeForm label="Code that the app shows" action="Confirm" onCode={confirm} />
        </>
      )}
      {enrolment.step === 'confirmed' && (
        <>
          <p id="recovery-codes">
            Each login needs a code of the app now. Write down these recovery codes: each replaces a
            code once, and they are not shown again.
          </p>
          <ul aria-labelledby="recovery-codes">
            {enrolment.recoveryCodes.map((code) => (
              <li key={code}>
                <code>{code}</code>
              </li>
            ))}
          </ul>
        </>
      )}
      {enrolment.step !== 'started' && enrolment.step !== 'confirmed' && (
        <p class="actions">
          <button type="button" onClick={enrol}>
            Add an authenticator app
          </button>
        </p>
      )}
      {enrolment.step !== 'started' && (
        <CodeForm
          label="Code of the app, or a recovery code"
          action="Remove the authenticator app"
          onCode={remove}
        />
      )}
      <p role="status">
        {enrolment.step === 'removed' && 'The authenticator app has been removed.'}
      </p>
      <Problem>{problem}</Problem>
    </>
  )
}

interface CodeFormProps {
  readonly label: string
  readonly action: string
  readonly onCode: (code: string) => Promise<void>
}

function CodeForm({ label, action, onCode }: CodeFormProps) {
  async function submit(event: TargetedSubmitEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = event.currentTarget
    await onCode(String(new FormData(form).get('code')).trim())
    form.reset()
  }
  return (
    <form class="line" onSubmit={submit}>
      <label>
        {label}
        <input name="code" required autocomplete="one-time-code" />
      </label>
      <button type="submit">{action}</button>
    </form>
  )
}
