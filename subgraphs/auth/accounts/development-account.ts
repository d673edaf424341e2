import type { Accounts } from './accounts.ts'
import type { PasswordHasher } from '../passwords/hashing.ts'
import { ordinaryRole } from './roles.ts'
import { skeleton } from './username.ts'

/** The README documents it: never created in production. */
export const developmentAccount = {
  id: '1',
  username: 'alice',
  password: 'secret',
  name: 'Alice',
  email: 'alice@example.com',
} as const

/** Creates alice at the first start; later starts do not change her. */
export async function addDevelopmentAccount(
  accounts: Accounts,
  passwords: PasswordHasher,
): Promise<void> {
  const { id, username, password, name, email } = developmentAccount
  if (await accounts.findByUsername(username)) return
  await accounts.add({
    id,
    username: { canonical: username, skeleton: skeleton(username) },
    name,
    email,
    // A reserved name (RFC 2606): no mail arrives there.
    emailVerified: true,
    roles: [ordinaryRole],
    passwordHash: await passwords.hash(password),
  })
}
