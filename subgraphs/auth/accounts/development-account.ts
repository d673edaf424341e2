import type { Accounts } from './accounts.ts'
import { hashPassword } from '../passwords/hashing.ts'

/** Known to everybody who has read the README: never made in production. */
export const developmentAccount = {
  id: '1',
  username: 'alice',
  password: 'secret',
  name: 'Alice',
  scope: 'profile profile:email',
} as const

/** Makes alice at the first start; later starts leave her as she is. */
export async function addDevelopmentAccount(accounts: Accounts): Promise<void> {
  const { id, username, password, name, scope } = developmentAccount
  if (await accounts.findByUsername(username)) return
  await accounts.add({ id, username, name, scope, passwordHash: await hashPassword(password) })
}
