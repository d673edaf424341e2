/** The form with which somebody without an account makes one. */
import type { TargetedSubmitEvent } from 'preact'
import { useState } from 'preact/hooks'
import type { Accounts, KeptIn } from './log-in.ts'
import { Problem } from './problem.tsx'

/** A form that is closed until it is needed. Its fields exist only while it is open, so that labels are unique. */
export function SignUpForm({ accounts, keptIn }: { accounts: Accounts; keptIn: KeptIn }) {
  const [isOpen, setIsOpen] = useState(false)
  const [problem, setProblem] = useState('')

  async function submit(event: TargetedSubmitEvent<HTMLFormElement>) {
    event.preventDefault()
    const fields = new FormData(event.currentTarget)
    const email = String(fields.get('email')).trim()
    setProblem('')
    const account = {
      username: String(fields.get('username')),
      password: String(fields.get('password')),
      ...(email ? { email } : {}),
    }
    const result = await accounts.signUp(account, keptIn)
    if (result.outcome === 'refused') setProblem(result.why)
    if (result.outcome === 'logged in') setIsOpen(false)
  }

  return (
    <details open={isOpen} onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>Sign up</summary>
      {isOpen && (
        <form aria-label="Sign up" onSubmit={submit}>
          <label>
            Username
            <input name="username" required autocomplete="username" spellcheck={false} />
          </label>
          <label>
            Password
            <input name="password" type="password" required autocomplete="new-password" />
          </label>
          <label>
            E-mail address, if you like
            <input name="email" type="email" autocomplete="email" />
          </label>
          <button type="submit">Sign up</button>
          <Problem>{problem}</Problem>
        </form>
      )}
    </details>
  )
}
