import { randomUUID } from 'node:crypto'
import type { CallerClient } from '../../kit/client-headers.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { AuthDatabase } from '../database.ts'
import type { PasswordHasher } from '../passwords/hashing.ts'
import { passwordProblems } from '../passwords/password-rules.ts'
import type { PasswordRules } from '../passwords/password-rules.ts'
import { readPassword } from '../passwords/password-text.ts'
import type { LoginGuard } from '../throttling/login-guard.ts'
import type { Accounts } from './accounts.ts'
import { emailProblems } from './email.ts'
import type { InputProblem } from './input-problem.ts'
import { ordinaryRole } from './roles.ts'
import { readNewUsername } from './username.ts'
import { isWellFormed } from '../passwords/well-formed.ts'

export interface SignUpRequest {
  username: string
  password: string
  name?: string | null
  email?: string | null
}

export type SignUpResult =
  { outcome: 'signed up'; accountId: string } | { outcome: 'refused'; problems: InputProblem[] }

export interface SignUpParts {
  database: AuthDatabase
  accounts: Accounts
  passwords: PasswordHasher
  rules: PasswordRules
  audit: AuditTrail
  guard: LoginGuard
}

export type SignUp = (request: SignUpRequest, client: CallerClient) => Promise<SignUpResult>

const longestName = 100

const taken: InputProblem = {
  field: 'username',
  code: 'TAKEN',
  message: 'This name, or one that looks like it, is taken',
}

/** Returns a function that creates an account. Of two concurrent requests for a name, one succeeds. */
export function signUp(parts: SignUpParts): SignUp {
  const { database, accounts, passwords, rules, audit, guard } = parts

  return async ({ username: typed, password, name, email: typedEmail }, client) => {
    // Autocompleted and pasted addresses often end with a space.
    const email = typedEmail?.trim()
    // Counted first: a network must not probe sign-ups without a limit.
    await guard.allowNetwork(client, 'sign-up')
    const username = readNewUsername(typed)
    const problems = [
      ...(Array.isArray(username) ? username : []),
      ...passwordProblems(
        'password',
        password,
        Array.isArray(username) ? typed : username.canonical,
        rules,
      ),
      ...nameProblems(name),
      ...emailProblems(email),
    ]
    if (problems.length > 0 || Array.isArray(username)) return { outcome: 'refused', problems }

    // Do not hash for a name that is known to be taken; the insertion decides.
    if (await accounts.findByUsername(username.canonical)) {
      return { outcome: 'refused', problems: [taken] }
    }
    const id = randomUUID()
    const passwordHash = await passwords.hash(readPassword(password)!)
    const account = {
      id,
      username,
      name: name?.trim() || typed.trim(),
      email: email ?? null,
      roles: [ordinaryRole],
      passwordHash,
    }
    return database.transaction().execute(async (transaction) => {
      if (!(await accounts.add(account, transaction))) {
        return { outcome: 'refused', problems: [taken] }
      }
      await audit.record({ event: 'sign-up', accountId: id, ...client }, transaction)
      return { outcome: 'signed up', accountId: id }
    })
  }
}

function nameProblems(name: string | null | undefined): InputProblem[] {
  if (name == null) return []
  if (isWellFormed(name) && [...name].length <= longestName && !/\p{Cc}/u.test(name)) return []
  const message = `At most ${longestName} characters, without line breaks`
  return [{ field: 'name', code: 'UNUSABLE', message }]
}
