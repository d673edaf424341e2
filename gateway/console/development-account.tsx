/** The account that a system in development has from its first start: for those who have no other yet. */
import { useState } from 'preact/hooks'
import type { Accounts, KeptIn } from './log-in.ts'
import { Problem } from './problem.tsx'

export interface DevelopmentAccountProps {
  readonly accounts: Accounts
  readonly keptIn: KeptIn
}

/** Nothing where the gateway names no account: it names one in development only. */
export function DevelopmentAccount({ accounts, keptIn }: DevelopmentAccountProps) {
  const [problem, setProblem] = useState('')
  const text = document.querySelector<HTMLMetaElement>('meta[name=account]')?.content ?? ''
  const [, username, password] = /^([^:]+):(.+)$/.exec(text) ?? []
  if (username === undefined || password === undefined) return null

  async function logIn(login: { username: string; password: string }) {
    setProblem('')
    const result = await accounts.logIn(login, keptIn)
    if (result.outcome === 'refused') setProblem(result.why)
    if (result.outcome === 'code needed') setProblem('This account needs a code: log in above')
  }

  return (
    <>
      <p class="hint">
        This system has an account to try it with: <code>{username}</code>, password{' '}
        <code>{password}</code>.
      </p>
      <p class="actions">
        <button type="button" onClick={() => logIn({ username, password })}>
          Log in as {username}
        </button>
      </p>
      <Problem>{problem}</Problem>
    </>
  )
}
