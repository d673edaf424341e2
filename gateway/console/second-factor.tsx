/** The authenticator app of an account: its one-time codes are the second factor of a login. */
import type { ComponentChildren, TargetedSubmitEvent } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { useAccountData } from './account-data.ts'
import type { SendAs } from './account-data.ts'
import { DataTable } from './data-table.tsx'
import { Moment } from './moment.tsx'
import { Problem } from './problem.tsx'
import { QrCode } from './qr-code.tsx'
import { useChange } from './use-change.ts'

interface App {
  readonly createdAt: string
  readonly lastUsedAt: string
  readonly recoveryCodesLeft: number
}

interface Enrolment {
  readonly secret: string
  readonly uri: string
}

interface Confirmation {
  readonly confirmed: boolean
  readonly recoveryCodes: readonly string[]
  readonly problems: readonly { readonly message: string }[]
}

/** What is being done to the app. */
type Step =
  | { readonly name: 'none' }
  | ({ readonly name: 'adding' } & Enrolment)
  | { readonly name: 'added'; readonly recoveryCodes: readonly string[] }
  | { readonly name: 'removing' }

const none: Step = { name: 'none' }

const query = '{ authenticatorApp { createdAt lastUsedAt recoveryCodesLeft } }'
const enrolMutation = 'mutation Enrol { enrolTotp { secret uri } }'
const confirmMutation = `mutation Confirm($code: String!) {
  confirmTotp(code: $code) { confirmed recoveryCodes problems { message } }
}`
const removeMutation = 'mutation Remove($code: String!) { removeTotp(code: $code) }'

/** So few recovery codes that it is time for others. */
const few = 3

export interface SecondFactorProps {
  readonly name: string
  readonly sendAs: SendAs
  /** Another value after something has happened to the sessions: a login uses a code. */
  readonly version: unknown
}

export function SecondFactor({ name, sendAs, version }: SecondFactorProps) {
  const read = useAccountData<{ authenticatorApp: App | null }>(sendAs, query, { version })
  const { data, problem, act } = read
  const [step, setStep] = useState<Step>(none)
  const heading = useRef<HTMLHeadingElement>(null)
  // The button that was pressed is gone.
  useChange(step.name, () => heading.current?.focus())

  const enrol = () =>
    act(async () => {
      const { enrolTotp } = await sendAs<{ enrolTotp: Enrolment }>(enrolMutation)
      setStep({ name: 'adding', ...enrolTotp })
    })
  const confirm = (code: string) =>
    act(async () => {
      const { confirmTotp } = await sendAs<{ confirmTotp: Confirmation }>(confirmMutation, { code })
      const { confirmed, recoveryCodes, problems } = confirmTotp
      if (!confirmed) throw new Error(problems[0]?.message ?? 'This code was refused')
      setStep({ name: 'added', recoveryCodes })
    })
  const remove = (code: string) =>
    act(async () => {
      await sendAs(removeMutation, { code })
      setStep(none)
    })
  const cancel = () => setStep(none)

  const app = data?.authenticatorApp
  return (
    <>
      <h3 ref={heading} tabIndex={-1}>
        Authenticator app
      </h3>
      {data && (
        <DataTable
          label={`Authenticator app of ${name}`}
          columns={['Since', 'Last used', 'Recovery codes left', 'Remove it']}
          empty={`${name} has no authenticator app.`}
        >
          {app && (
            <AppRow {...app}>
              <button type="button" onClick={() => setStep({ name: 'removing' })}>
                Remove <span class="unseen">the authenticator app</span>
              </button>
            </AppRow>
          )}
        </DataTable>
      )}
      {data && !app && step.name === 'none' && (
        <p class="actions">
          <button type="button" onClick={enrol}>
            Add an authenticator app
          </button>
        </p>
      )}
      {step.name === 'adding' && (
        <>
          <SecretToEnter {...step} />
          <CodeForm
            label="Code that the app shows"
            action="Confirm"
            onCode={confirm}
            onCancel={cancel}
          />
        </>
      )}
      {step.name === 'added' && <RecoveryCodes codes={step.recoveryCodes} onKept={cancel} />}
      {step.name === 'removing' && (
        <CodeForm
          label="Code of the app, or a recovery code"
          action="Remove the authenticator app"
          onCode={remove}
          onCancel={cancel}
        />
      )}
      <Problem>{problem}</Problem>
    </>
  )
}

function AppRow({
  createdAt,
  lastUsedAt,
  recoveryCodesLeft,
  children,
}: App & { children: ComponentChildren }) {
  return (
    <tr>
      <td>
        <Moment at={createdAt} />
      </td>
      <td>
        <Moment at={lastUsedAt} />
      </td>
      <td>
        {recoveryCodesLeft}
        {recoveryCodesLeft <= few && (
          <small> Remove the app and add it again: then there are new ones.</small>
        )}
      </td>
      <td>{children}</td>
    </tr>
  )
}

function SecretToEnter({ secret, uri }: Enrolment) {
  // An address of another kind does not become a link.
  const isForApps = uri.startsWith('otpauth:') && uri.length <= longestUri
  return (
    <>
      <p>
        Scan the code with the app, or enter this secret into it:{' '}
        <code class="secret">{secret}</code>
      </p>
      {isForApps && (
        <>
          <QrCode text={uri} label="QR code with the secret, for the authenticator app" />
          <p>
            <a href={uri}>Open an app on this device</a>
          </p>
        </>
      )}
    </>
  )
}

/** More would make a QR code that no camera reads from a screen. */
const longestUri = 1_000

function RecoveryCodes({ codes, onKept }: { codes: readonly string[]; onKept: () => void }) {
  return (
    <>
      <p id="recovery-codes">
        Each login needs a code of the app now. Write down these recovery codes: each replaces a
        code once, and they are not shown again.
      </p>
      <ul class="recovery-codes" aria-labelledby="recovery-codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <p class="actions">
        <button type="button" onClick={onKept}>
          They are written down
        </button>
      </p>
    </>
  )
}

interface CodeFormProps {
  readonly label: string
  readonly action: string
  readonly onCode: (code: string) => Promise<void>
  readonly onCancel: () => void
}

function CodeForm({ label, action, onCode, onCancel }: CodeFormProps) {
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
      <button type="button" onClick={onCancel}>
        Cancel
      </button>
    </form>
  )
}
