import type { Tokens } from '../sessions/start-session.ts'

/** Returns the LoginPayload. */
export function tokensOutput({ account, ...tokens }: Tokens) {
  return { ...tokens, user: { id: account.id } }
}
