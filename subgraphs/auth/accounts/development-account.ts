import type { Accounts } from './accounts.ts'
import type { PasswordHasher } from '../passwords/hashing.ts'
import { ordinaryRole } from './roles.ts'
import { skeleton } from './username.ts'

/** Known to everybody who has read the README: never made in production. */
export const developmentAccount = {
  id: '1',
  username: 'alice',
  password: 'secret',
  name: 'Alice',
  email: 'alice@example.com',
} as const

/** Makes alice at the first start; later starts leave her as she is. */
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
    // No mail arrives there: it is a name of RFC 2606.
    emailVerified: true,
    roles: [ordinaryRole],
    passwordHash: await passwords.hash(password),
  })
}
